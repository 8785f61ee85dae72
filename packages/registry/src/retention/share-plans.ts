import { abortable } from "@longshore/base/abort";
import { MINUTE, SECOND } from "@longshore/base/duration";
import type { RepositoryName } from "@longshore/storage";
import { LRUCache } from "lru-cache";
import type { RetentionPlan } from "../http/retention-plan.js";

/** Plans that are kept, and for how many times as long as they took to make. One that took less than `CHEAP` (ms) isn't. */
const KEPT = 4;
const REST = 20;
const CHEAP = SECOND / 10;
/** How long one may take (ms). */
const PATIENCE = MINUTE;

type Fates = Awaited<ReturnType<RetentionPlan>>;

/** A plan that waits for its turn or is being made. */
interface Making {
  readonly fates: Promise<Fates>;
  /** How many still want it; it ends when nobody does. */
  waiting: number;
  readonly ending: AbortController;
}

/**
 * `plan`, of which one is made at a time: a plan decides about every tag of a repository, whichever page of it is asked for, and whoever
 * may pull may ask. Those who ask for the same share it.
 */
export function sharePlans(plan: RetentionPlan, now: () => number = performance.now.bind(performance)): RetentionPlan {
  const kept = new LRUCache<RepositoryName, { readonly fates: Fates }>({ max: KEPT, perf: { now }, ttlResolution: 0 });
  const underWay = new Map<RepositoryName, Making>();
  let last: Promise<unknown> = Promise.resolve();

  const forget = (name: RepositoryName, making: Making): void => {
    if (underWay.get(name) === making) underWay.delete(name);
  };
  const begin = (name: RepositoryName): Making => {
    const ending = new AbortController();
    const fates = last.then(async () => {
      ending.signal.throwIfAborted();
      const began = now();
      const made = await plan(name, AbortSignal.any([ending.signal, AbortSignal.timeout(PATIENCE)]));
      const took = now() - began;
      if (took >= CHEAP) kept.set(name, { fates: made }, { ttl: took * REST });
      return made;
    });
    const making: Making = { fates, waiting: 0, ending };
    const end = (): void => forget(name, making);
    last = fates.then(end, end);
    underWay.set(name, making);
    return making;
  };

  return async (name, signal) => {
    signal.throwIfAborted();
    const known = kept.get(name);
    if (known !== undefined) return known.fates;
    const making = underWay.get(name) ?? begin(name);
    making.waiting += 1;
    try {
      return await abortable(making.fates, signal);
    } finally {
      making.waiting -= 1;
      if (making.waiting === 0) {
        forget(name, making);
        making.ending.abort(new Error("nobody waits for the plan any more"));
      }
    }
  };
}
