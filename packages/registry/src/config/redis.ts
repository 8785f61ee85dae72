import { findKind } from "@longshore/options/kind";
import { CACHE_KINDS, parseRedisAddress, type RedisOptions } from "@longshore/storage";
import type { Report } from "@longshore/options/report";
import { quote } from "./quote.js";
import type { ParsedConfig } from "./schema/root.js";

type Parsed = ParsedConfig["redis"];

/** Go's client waits for 3 s, which is longer than what a cache saves. */
const COMMAND_TIMEOUT = 100;

/** The Redis to use, from the keys of `registry:3` and of `registry:2`; undefined if there is none. */
export function redisConfig(config: ParsedConfig, report: Report) {
  const { redis: parsed, storage } = config;
  const addresses = addressesOf(parsed, report);
  const { blobdescriptor, layerinfo } = storage.cache;
  const chosen = blobdescriptor ?? layerinfo ?? "";
  const isUsed = findKind(CACHE_KINDS, chosen)?.needs === "redis";
  if (addresses.length === 0) {
    const path = ["storage", "cache", blobdescriptor === undefined ? "layerinfo" : "blobdescriptor"];
    if (isUsed) report.error(path, `found ${chosen}; set redis.addrs too, for example to [redis:6379]`);
    return undefined;
  }
  if (!isUsed) warnIfUnused(config, report);
  const masterName = parsed.mastername;
  const mode: RedisOptions["mode"] =
    masterName !== undefined ? "sentinel" : addresses.length > 1 ? "cluster" : "single";
  if (mode === "cluster" && parsed.db !== 0) {
    report.error(
      ["redis", "db"],
      `found ${parsed.db}; expected 0 with several addrs, because a cluster has one database`,
    );
  }
  return {
    addresses,
    mode,
    masterName,
    sentinelUsername: parsed.sentinelusername,
    sentinelPassword: parsed.sentinelpassword,
    username: parsed.username,
    password: parsed.password,
    database: parsed.db,
    clientName: parsed.clientname,
    identitySuffix: parsed.identitysuffix,
    sendIdentity: !parsed.disableidentity && !parsed.disableindentity,
    protocol: parsed.protocol === 2 ? (2 as const) : (3 as const),
    connectTimeout: positive(parsed.dialtimeout) ?? 5000,
    commandTimeout: positive(parsed.readtimeout) ?? positive(parsed.writetimeout) ?? COMMAND_TIMEOUT,
    reconnect: { min: positive(parsed.minretrybackoff) ?? 100, max: positive(parsed.maxretrybackoff) ?? 2000 },
    maxRedirections: parsed.maxredirects > 0 ? parsed.maxredirects : 3,
    tls: tlsOf(parsed.tls, report),
  };
}

/** Beside the cache, viewers of activity and limits use it where it is configured. */
function warnIfUnused({ activity, policy }: ParsedConfig, report: Report): void {
  if (activity.enabled || policy.ratelimit.rules.length > 0) return;
  report.warning(["redis"], "unused; to use it, set storage.cache.blobdescriptor: redis");
}

function addressesOf({ addrs, addr }: Parsed, report: Report): readonly string[] {
  const single = addr;
  const named: readonly { readonly address: string; readonly path: readonly (string | number)[] }[] =
    addrs.length > 0 || single === undefined
      ? addrs.map((address, index) => ({ address, path: ["redis", "addrs", index] }))
      : [{ address: single, path: ["redis", "addr"] }];
  for (const { address, path } of named) {
    if (parseRedisAddress(address) === undefined) {
      report.error([...path], `found ${quote(address)}; expected host:port, such as redis:6379`);
    }
  }
  if (addrs.length > 0 && single !== undefined) {
    report.warning(["redis", "addr"], "ignored because redis.addrs is set");
  }
  return named.map(({ address }) => address);
}

function tlsOf(parsed: Parsed["tls"], report: Report) {
  const certificate = parsed.certificate;
  const key = parsed.key;
  const rootCas = parsed.rootcas.length > 0 ? parsed.rootcas : parsed.clientcas;
  if (!parsed.enabled && certificate === undefined && key === undefined && rootCas.length === 0) return undefined;
  // Distribution continues without a certificate, and is then refused by Redis.
  if (certificate !== undefined && key === undefined) {
    report.error(["redis", "tls", "key"], "missing; redis.tls.certificate needs its key");
  }
  if (certificate === undefined && key !== undefined) {
    report.error(["redis", "tls", "certificate"], "missing; redis.tls.key needs its certificate");
  }
  return { certificate, key, rootCas };
}

/** 0 means the default, and so does what Go's client treats as "no limit": here every wait has a limit. */
function positive(time: number): number | undefined {
  return time > 0 ? Math.min(time, 2 ** 31 - 1) : undefined;
}
