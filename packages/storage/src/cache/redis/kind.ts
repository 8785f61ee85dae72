import type { Remark } from "@longshore/options/kind";
import { createDescriptorCache } from "../descriptors.js";
import type { CacheKind } from "../kind.js";
import { NO_CACHES } from "../none.js";
import { probeChannels, probeRedis } from "./probe.js";

/** Everything that replicas can share; its code is loaded when it is opened. */
export const redisCache: CacheKind = {
  name: "redis",
  aliases: [],
  meaning: "there as well, together with links, tags and small manifests, shared by all replicas",
  needs: "redis",
  async open({ redis, descriptors, identify, sharedManifestBytes: manifestBytes, observer = {} }) {
    if (redis === undefined) return NO_CACHES;
    const shared = await (await import("./open.js")).openRedisCaches({ redis, identify, manifestBytes, observer });
    if (descriptors === undefined) return shared;
    return { ...shared, descriptors: createDescriptorCache(descriptors, shared.descriptors, observer) };
  },
  /** A failure is only a warning: a registry starts and serves without Redis, and `verify` may run where it can't be reached. */
  async verify({ redis }, { remote, patience }) {
    if (redis === undefined || !remote) return [];
    const where = redis.addresses.join(", ");
    const warning = (error: unknown, what: string, until: string): Remark => {
      const message = `Redis at ${where} ${what}: ${reason(error, redis.tls !== undefined)}; until it can, ${until}`;
      return { severity: "warning", path: [], message };
    };
    try {
      await probeRedis(redis, patience);
    } catch (error) {
      return [warning(error, "can't be used", "the registry looks in the storage instead")];
    }
    try {
      await probeChannels(redis, patience);
    } catch (error) {
      const until = "viewers of activity see what happens in one replica alone";
      return [warning(error, "can't be used for messages between replicas", until)];
    }
    return [];
  },
};

function reason(error: unknown, tls: boolean): string {
  if (!(error instanceof Error)) return "unknown error";
  const code = "code" in error ? String(error.code) : "";
  if (tls && /^(EPROTO|ERR_SSL_)/.test(code)) return `${error.message} (does it speak TLS? if not, remove redis.tls)`;
  // If only one side speaks TLS, whichever way round, the connection is closed.
  if (/closed/i.test(error.message)) {
    return `${error.message} (${tls ? "does it speak TLS? if not, remove redis.tls" : "does it require TLS? if so, set redis.tls.enabled: true"})`;
  }
  return error.message === "" ? code : error.message;
}
