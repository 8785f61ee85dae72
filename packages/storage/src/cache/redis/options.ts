/** A Redis deployment, as configured. Times in ms. */
export interface RedisOptions {
  /** `host:port`, at least one: the one server, nodes of a cluster, or sentinels. */
  readonly addresses: readonly string[];
  readonly mode: "single" | "cluster" | "sentinel";
  /** The master's name, for sentinels. */
  readonly masterName?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The number of the database; a cluster has only 0. */
  readonly database: number;
  /** The client name that `CLIENT LIST` shows. */
  readonly clientName?: string | undefined;
  readonly identitySuffix?: string | undefined;
  readonly sendIdentity: boolean;
  readonly protocol: 2 | 3;
  readonly connectTimeout: number;
  /** How long an answer may take before the storage is asked instead. */
  readonly commandTimeout: number;
  /** The pauses between attempts to connect: the first, and the longest. */
  readonly reconnect: { readonly min: number; readonly max: number };
  /** How often a cluster may redirect a command. */
  readonly maxRedirections: number;
  /** Undefined: no TLS. */
  readonly tls: RedisTls | undefined;
}

/** Paths of PEM files. */
export interface RedisTls {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Empty: the system's. */
  readonly rootCas: readonly string[];
}

/** A setting of Redis that can't work; the message names the key. */
export class RedisSettingError extends Error {
  override readonly name = "RedisSettingError";
}

const PORT = 6379;

/** Splits an address: `host`, `host:port`, `:port`, `[v6]:port`; undefined if it isn't one. */
export function parseRedisAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*))(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null || text === "") return undefined;
  const port = match[3] === undefined ? PORT : Number(match[3]);
  const host = match[1] ?? match[2];
  return port < 1 || port > 65_535 ? undefined : { host: host === undefined || host === "" ? "127.0.0.1" : host, port };
}
