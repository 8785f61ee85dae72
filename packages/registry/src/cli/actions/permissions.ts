import { dirname } from "node:path";
import type { Config } from "../../config/config.js";
import type { NamedFile } from "../../config/named-files.js";
import type { Invocation } from "../command.js";
import { printErrors } from "../configuration.js";
import { findFileProblem } from "../permissions/files.js";
import { homeFiles } from "../permissions/home.js";
import { findPortProblem, readPrivileges } from "../permissions/ports.js";
import { findTreeProblem } from "../permissions/tree.js";
import type { ExitCode } from "../terminal.js";

/** Prints a line for each thing that this user isn't allowed. Exits with 0 if there is none. */
export async function checkPermissions({ configuration, terminal }: Invocation): Promise<ExitCode> {
  const { loaded, path } = configuration;
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const problems = [
    ...(await checkStorage(loaded.config)),
    ...(await checkFiles([...loaded.files(), ...otherFiles(loaded.config, path, terminal.environment)])),
    ...(await checkPorts(loaded.config)),
  ];
  for (const problem of new Set(problems)) terminal.out(`${problem}\n`);
  return problems.length > 0 ? 1 : 0;
}

/** First, since it is what keeps most users from serving. */
async function checkStorage({ storage }: Config): Promise<readonly string[]> {
  const { directory } = storage.driver;
  const problem = directory === undefined ? undefined : await findTreeProblem(directory);
  return problem === undefined ? [] : [problem];
}

async function checkFiles(files: readonly NamedFile[]): Promise<readonly string[]> {
  const problems = await Promise.all(
    files.map(async ({ key, name, use }) => {
      const problem = await findFileProblem(name, use);
      return problem === undefined ? [] : [`${problem} (${key})`];
    }),
  );
  return problems.flat();
}

/** What is read and written without a key that names it as it is. */
function otherFiles(
  { http, notifications }: Config,
  configuration: string,
  environment: Invocation["terminal"]["environment"],
): readonly NamedFile[] {
  const files: NamedFile[] = [{ key: "the configuration", name: configuration, use: "read" }];
  const outbox = notifications.outbox.directory;
  if (notifications.endpoints.length > 0 && outbox !== undefined)
    files.push({ key: "notifications.outbox.directory", name: outbox, use: "write" });
  // The socket is removed and made anew, which is up to its directory.
  if (http.net === "unix") files.push({ key: "http.addr", name: dirname(http.addr), use: "write" });
  return [...files, ...homeFiles(environment)];
}

async function checkPorts({ http }: Config): Promise<readonly string[]> {
  const privileges = await readPrivileges();
  const addresses = {
    "http.addr": http.net === "tcp" ? http.addr : undefined,
    "http.debug.addr": http.debug.addr,
    "http.tls.letsencrypt.httpaddr": http.tls?.source.kind === "letsencrypt" ? http.tls.source.httpaddr : undefined,
  };
  return Object.entries(addresses).flatMap(([key, address]) => {
    const problem = address === undefined ? undefined : findPortProblem(address, privileges);
    return problem === undefined ? [] : [`${problem} (${key})`];
  });
}
