import { parseRedisAddress } from "@longshore/storage";
import type { RedisConfig } from "./config.js";
import { type Report } from "./report.js";
import { type ParsedConfig } from "./schema/root.js";

type Parsed = ParsedConfig["redis"];

/** Go's client takes 3 s; what a cache saves is less than that. */
const COMMAND_TIMEOUT = 100;

/** What Redis is asked for, from the keys of `registry:3` and of `registry:2`; undefined: there is none. */
export function redisConfig({ redis: parsed, storage }: ParsedConfig, report: Report): RedisConfig | undefined {
  const addresses = addressesOf(parsed, report);
  const { blobdescriptor, layerinfo } = storage.cache;
  const isUsed = (blobdescriptor ?? layerinfo) === "redis";
  if (addresses.length === 0) {
    const path = ["storage", "cache", blobdescriptor === undefined ? "layerinfo" : "blobdescriptor"];
    if (isUsed) report.error(path, "found redis; redis.addrs has to name it, such as [redis:6379]");
    return undefined;
  }
  if (!isUsed) report.warning(["redis"], "nothing uses it; storage.cache.blobdescriptor: redis would");
  const masterName = given(parsed.mastername);
  const mode = masterName !== undefined ? "sentinel" : addresses.length > 1 ? "cluster" : "single";
  if (mode === "cluster" && parsed.db !== 0) {
    report.error(
      ["redis", "db"],
      `found ${parsed.db}; allowed with several addrs: 0, since a cluster has one database`,
    );
  }
  return {
    addresses,
    mode,
    masterName,
    sentinelUsername: given(parsed.sentinelusername),
    sentinelPassword: parsed.sentinelpassword,
    username: given(parsed.username),
    password: parsed.password,
    database: parsed.db,
    clientName: given(parsed.clientname),
    identitySuffix: given(parsed.identitysuffix),
    sendIdentity: !parsed.disableidentity && !parsed.disableindentity,
    protocol: parsed.protocol === 2 ? 2 : 3,
    connectTimeout: positive(parsed.dialtimeout) ?? 5000,
    commandTimeout: positive(parsed.readtimeout) ?? positive(parsed.writetimeout) ?? COMMAND_TIMEOUT,
    reconnect: { min: positive(parsed.minretrybackoff) ?? 100, max: positive(parsed.maxretrybackoff) ?? 2000 },
    maxRedirections: parsed.maxredirects > 0 ? parsed.maxredirects : 3,
    tls: tlsOf(parsed.tls, report),
  };
}

function addressesOf({ addrs, addr }: Parsed, report: Report): readonly string[] {
  const single = given(addr);
  const named: readonly { readonly address: string; readonly path: readonly (string | number)[] }[] =
    addrs.length > 0 || single === undefined
      ? addrs.map((address, index) => ({ address, path: ["redis", "addrs", index] }))
      : [{ address: single, path: ["redis", "addr"] }];
  for (const { address, path } of named) {
    if (parseRedisAddress(address) === undefined) {
      report.error([...path], `found ${JSON.stringify(address)}; allowed: host:port, such as redis:6379`);
    }
  }
  if (addrs.length > 0 && single !== undefined) {
    report.warning(["redis", "addr"], "ignored, since redis.addrs names the servers");
  }
  return named.map(({ address }) => address);
}

function tlsOf(parsed: Parsed["tls"], report: Report): RedisConfig["tls"] {
  const certificate = given(parsed.certificate);
  const key = given(parsed.key);
  const rootCas = parsed.rootcas.length > 0 ? parsed.rootcas : parsed.clientcas;
  if (!parsed.enabled && certificate === undefined && key === undefined && rootCas.length === 0) return undefined;
  // The original goes on without a certificate, and Redis refuses it then.
  if (certificate !== undefined && key === undefined) {
    report.error(["redis", "tls", "key"], "missing; redis.tls.certificate needs its key");
  }
  if (certificate === undefined && key !== undefined) {
    report.error(["redis", "tls", "certificate"], "missing; redis.tls.key needs its certificate");
  }
  return { certificate, key, rootCas };
}

/** 0 is the default, and so is what Go's client takes for "no limit": every wait has one here. */
function positive(time: number): number | undefined {
  return time > 0 ? Math.min(time, 2 ** 31 - 1) : undefined;
}

/** An empty text is the same as none. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
