import type { LimitCounter, Take, Taken } from "@longshore/policy";
import { openSharedScript, type RedisOptions } from "@longshore/storage";

/**
 * As `decide` of the policy package, by Redis's own clock, so that replicas need no common one. Arguments: cost, limit, window
 * (ms), and whether the cost counts in any case. Answers: whether it is allowed, what is left, how long to wait (ms).
 */
const SCRIPT = `
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local each = window / limit
local before = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now)
local wait = math.max(before + math.max(cost, 1) * each - now - window, 0)
local allowed = ARGV[4] == "1" or wait <= each / 100
local after = before
if allowed then
  after = math.max(before + cost * each, now)
  if cost ~= 0 then
    redis.call("SET", KEYS[1], string.format("%.3f", after), "PX", math.max(math.ceil(after - now), 1))
  end
  wait = 0
end
local left = math.min(math.max(math.floor((now + window - after) / each + 0.01), 0), limit)
return { allowed and 1 or 0, left, math.ceil(wait) }`;

/** A counter in Redis, which the caller closes. */
export interface RedisCounter extends LimitCounter {
  close(): void;
}

/** What a counter in Redis works with. */
export interface RedisCounterPorts {
  /** Distinguishes the keys of this registry's replicas from others'. */
  readonly namespace: string;
  /** Counts while Redis is unavailable. */
  readonly fallback: LimitCounter;
  /** Whether Redis is available, and why not. Called on changes only. */
  readonly state?: ((available: boolean, reason: string) => void) | undefined;
  /** Called when the fallback counts. */
  readonly onFallback?: (() => void) | undefined;
}

/** Counts in Redis, for all replicas. Throws RedisSettingError. */
export async function openRedisCounter(redis: RedisOptions, ports: RedisCounterPorts): Promise<RedisCounter> {
  const { namespace, fallback, state, onFallback } = ports;
  const shared = await openSharedScript(redis, SCRIPT, { state });

  const count = async (take: Take, cost: number, due: boolean): Promise<Taken> => {
    const { key, limit, window } = take;
    const name = `longshore:1:limit:${namespace}:${key}`;
    return parseTaken(await shared.run(name, String(cost), String(limit), String(window), due ? "1" : "0"));
  };

  return {
    async take(takes) {
      try {
        const taken = await Promise.all(takes.map((take) => count(take, take.cost, take.due === true)));
        if (taken.every(({ allowed }) => allowed)) return taken;
        // Each key may be on a server of its own, so that they can't be counted in one step: what was counted is given back.
        const granted = takes.filter((take, index) => taken[index]?.allowed === true && take.cost > 0);
        await Promise.all(granted.map((take) => count(take, -take.cost, true)));
        return taken;
      } catch {
        onFallback?.();
        return fallback.take(takes);
      }
    },
    close: () => shared.close(),
  };
}

function parseTaken(answer: unknown): Taken {
  const [allowed, remaining, wait] = Array.isArray(answer) ? answer.map(Number) : [];
  if (
    allowed === undefined ||
    remaining === undefined ||
    wait === undefined ||
    Number.isNaN(allowed + remaining + wait)
  )
    throw new Error("Redis answered something else than the script does");
  return { allowed: allowed === 1, remaining, wait };
}
