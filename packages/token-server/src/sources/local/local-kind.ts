import { defaultWorkers, readConfigFile, verifyPasswordFile } from "@longshore/auth";
import { SECOND } from "@longshore/base/duration";
import type { Remark } from "@longshore/options/kind";
import { declareSource } from "../declare-source.js";
import { checkUsers, localOptions } from "./local-options.js";

/** As long as a comparison at the highest usual cost may take behind others. */
const TIMEOUT = 60 * SECOND;

/** Users of the configuration and of an htpasswd file. */
export const local = declareSource({
  name: "local",
  meaning: "Users in this file, with bcrypt hashes and labels, and in an htpasswd file.",
  options: localOptions,
  choose(options, context) {
    checkUsers(options, (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message, params: { explained: true } }),
    );
    const { htpasswd, workers: threads = defaultWorkers() } = options;
    return {
      limits: { timeout: TIMEOUT, concurrency: threads, cachettl: 0 },
      labels: Object.values(options.users).flatMap((user) => Object.keys(user?.labels ?? {})),
      remarks: openUsers(options.users),
      verify: () => verifyFile(htpasswd),
      async open(ports) {
        return (await import("./open-local.js")).openLocal(options, ports, threads);
      },
    };
  },
});

/** Unlike that of `auth.htpasswd`, the file isn't created: there may be users elsewhere. */
async function verifyFile(file: string | undefined): Promise<readonly Remark[]> {
  if (file === undefined) return [];
  const bytes = await readConfigFile(["htpasswd"], file);
  if (bytes === "missing")
    return [{ severity: "error", path: ["htpasswd"], message: `${file} is missing; create it with htpasswd -Bc` }];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  const remarks = await verifyPasswordFile(file);
  return remarks.map((remark) => ({ ...remark, path: ["htpasswd"] }));
}

function openUsers(users: Readonly<Record<string, { readonly anypassword: boolean } | null>>): readonly Remark[] {
  const open = Object.entries(users).filter(([, user]) => user?.anypassword === true);
  return open.map(([name]) => ({
    severity: "warning",
    path: ["users", name, "anypassword"],
    message: "anyone who knows this user's name can log in",
  }));
}
