import type { Digest } from "@longshore/storage";

/** What is remembered of the use of one tag or manifest. Times are in ms since 1970. */
export interface Use {
  /** The hour of the last pull. */
  readonly pulled?: number | undefined;
  /** The last push. */
  readonly push?: LastPush | undefined;
}

/** Who pushed what. */
interface LastPush {
  readonly at: number;
  /** Undefined: nobody who was logged in. */
  readonly account: string | undefined;
  readonly digest: Digest;
}

/** The later of both in everything: merging more often, or in another order, makes no difference. */
export function mergeUses(one: Use | undefined, other: Use | undefined): Use | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const pulled = (one.pulled ?? 0) >= (other.pulled ?? 0) ? one.pulled : other.pulled;
  const push = (one.push?.at ?? 0) >= (other.push?.at ?? 0) ? one.push : other.push;
  return { pulled, push };
}

/** When it was last used for anything. */
export function lastUsed({ pulled = 0, push }: Use): number {
  return Math.max(pulled, push?.at ?? 0);
}

/** Who pushed what is there now: unknown if another program has put something else there. */
export function pusherOf(use: Use | undefined, digest: Digest): string | undefined {
  return use?.push?.digest === digest ? use.push.account : undefined;
}
