import { createHash } from "node:crypto";
import { Resources } from "@longshore/base/resources";
import { createClientLimits, createLocalCounter, type ClientLimits, type LimitCounter } from "@longshore/policy";
import type { Config } from "../config/config.js";
import type { LimitMetrics } from "../metrics/limit-metrics.js";
import type { Log } from "../observability/log.js";
import { revealRedis } from "../open-storage.js";

/** What limits need besides the configuration. */
export interface LimitPorts {
  readonly secret: string;
  readonly log: Log;
  readonly metrics: { readonly limits: LimitMetrics } | undefined;
  /** Counts for all processes of this machine; undefined if this is the only one. */
  readonly limits?: LimitCounter | undefined;
}

/** Limits that the caller closes. */
export interface OpenLimits {
  /** Undefined if no rule limits clients. */
  readonly limits: ClientLimits | undefined;
  /** To be called with the rule that refused a request. */
  readonly onRefusal: (rule: string) => void;
  close(): Promise<void>;
}

/** Counts for one process, or for those that ask it; undefined if no rule limits clients. */
export function openLocalCounter({ policy }: Pick<Config, "policy">): LimitCounter | undefined {
  if (policy.ratelimit.rules.length === 0) return undefined;
  return createLocalCounter(policy.ratelimit.maxclients, () => performance.now());
}

/**
 * The limits of `policy.ratelimit`, counted in Redis where that is configured, and otherwise, or while it doesn't answer, on this
 * machine. Throws RedisSettingError.
 */
export async function openLimits(config: Config, ports: LimitPorts): Promise<OpenLimits> {
  const here = ports.limits ?? openLocalCounter(config);
  const onRefusal = (rule: string): void => ports.metrics?.limits.refused(rule);
  if (here === undefined) return { limits: undefined, onRefusal, close: () => Promise.resolve() };
  await using opened = new Resources();
  let counter = here;
  if (config.redis !== undefined) {
    const { openRedisCounter } = await import("./redis-counter.js");
    const { log, metrics, secret } = ports;
    const shared = await openRedisCounter(revealRedis(config.redis), {
      namespace: createHash("sha256").update(`limits ${secret}`).digest("hex").slice(0, 16),
      fallback: here,
      state: (available, reason) => {
        if (available) log.info("redis counts the requests of clients for all replicas");
        else
          log.warn("redis is not available: until it is, each machine counts the requests of clients itself", {
            reason,
          });
      },
      onFallback: () => metrics?.limits.countedHere(),
    });
    opened.defer(() => shared.close());
    counter = shared;
  }
  const resources = opened.move();
  return {
    limits: createClientLimits(config.policy.ratelimit, counter),
    onRefusal,
    close: () => resources.close(),
  };
}
