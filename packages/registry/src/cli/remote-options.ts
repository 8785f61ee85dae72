import { readFile } from "node:fs/promises";
import { dockerConfigCredentials, dockerConfigPaths, type UpstreamPorts } from "@longshore/mirror";
import { checkUpstreamOptions, UPSTREAM_OPTIONS, type UpstreamOptions } from "@longshore/mirror/configuration";
import { section } from "@longshore/options/declare";
import { remoteFlags, type Side } from "./copy-flags.js";
import { UsageError } from "./flags.js";

/** What the command line and the environment say of one side. */
export interface RemoteSettings {
  readonly side: Side;
  readonly remoteurl: string;
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How the configuration reaches this registry, if it is one of its upstreams. */
  readonly configured: UpstreamOptions | undefined;
}

const SCHEMA = section(UPSTREAM_OPTIONS, "A registry.").superRefine(checkUpstreamOptions);

/**
 * How a registry is reached: by the flags and the environment; without any there, as the configuration says of this upstream; without a user
 * there either, with the credentials that Docker or podman know for it. Throws {@link UsageError}.
 */
export async function readRemote({ side, remoteurl, flags, values, environment, configured }: RemoteSettings): Promise<{
  readonly options: UpstreamOptions;
  readonly ports: UpstreamPorts;
}> {
  const variable = (name: string): string | undefined => environment[`MIRROR_${side.toUpperCase()}_${name}`];
  const username = values.get(`${side}-username`) ?? variable("USERNAME");
  const passwordFile = values.get(`${side}-password-file`);
  const password = passwordFile === undefined ? variable("PASSWORD") : await readPassword(passwordFile);
  const credentials = dockerConfigCredentials(dockerConfigPaths(environment), Date.now);
  const isTold = username !== undefined || remoteFlags(side).some(({ name }) => values.has(name) || flags.has(name));
  if (configured !== undefined && !isTold) {
    const hasOwn = configured.username !== undefined || configured.exec !== undefined;
    return {
      options: { ...configured, remoteurl },
      ports: { environment, credentials: hasOwn ? undefined : credentials },
    };
  }
  const ca = values.get(`${side}-ca`);
  const parsed = SCHEMA.safeParse({
    remoteurl,
    username: username ?? "",
    password: password ?? "",
    tls: {
      ca: ca === undefined ? [] : [ca],
      certificate: values.get(`${side}-certificate`) ?? "",
      key: values.get(`${side}-key`) ?? "",
      insecure: flags.has(`${side}-insecure`),
    },
  });
  if (!parsed.success) {
    throw new UsageError(`the ${side}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`);
  }
  return {
    options: parsed.data,
    ports: { environment, credentials: username === undefined ? credentials : undefined },
  };
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch {
    throw new UsageError(`${path} can't be read`);
  }
}
