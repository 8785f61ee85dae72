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

/**
 * `plan`, of which one is made at a time: a plan decides about every tag of a repository, whichever page of it is asked for, and whoever
 * may pull may ask. Those who ask for the same share it.
 */
export function sharePlans(plan: RetentionPlan, now: () => number = performance.now.bind(performance)): RetentionPlan {
  const plans = new LRUCache<RepositoryName, ReturnType<RetentionPlan>>({ max: KEPT, perf: { now }, ttlResolution: 0 });
  let last: Promise<unknown> = Promise.resolve();
  const make = (name: RepositoryName): ReturnType<RetentionPlan> => {
    const made = last.then(async () => {
      const began = now();
      const fates = await plan(name, AbortSignal.timeout(PATIENCE));
      const took = now() - began;
      if (took < CHEAP) plans.delete(name);
      else plans.set(name, made, { ttl: took * REST });
      return fates;
    });
    last = made.catch(() => void plans.delete(name));
    plans.set(name, made);
    return made;
  };
  return (name, signal) => abortable(plans.get(name) ?? make(name), signal);
}
