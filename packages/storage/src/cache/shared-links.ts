import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CacheObserver, LinkCache, LinkName } from "../contract/caches.js";
import { isDigest } from "../model/digest.js";
import type { Background } from "./background.js";
import type { SharedMemory } from "./shared-memory.js";

/**
 * How long an entry lives, counted from before its value was read from the storage (ms). All processes must agree on it, whatever
 * their version: a change that can't be announced waits that long. That is why it isn't configurable.
 */
export const LINK_LIFETIME = 5000;

/** The pause between two attempts to announce a change (ms). */
const RETRY = 250;

/** Options of {@link createSharedLinks}; times in ms. */
export interface SharedLinksOptions {
  /** The shared memory for links of a kind. */
  readonly memory: (kind: LinkName["kind"]) => SharedMemory;
  readonly background: Background;
  readonly lookup?: CacheObserver["lookup"];
  /** {@link LINK_LIFETIME} by default; for tests. */
  readonly lifetime?: number | undefined;
  /** A monotonic clock. */
  readonly now?: (() => number) | undefined;
  readonly wait?: ((ms: number, signal: AbortSignal | undefined) => Promise<unknown>) | undefined;
}

/**
 * Links cached for all processes, by the protocol of docs/protocols/redis-links.md §Links in Redis:
 * a reader fills an entry only with the permission that it was given before it read the storage; a writer removes values and
 * permissions after its change and before it answers; and a writer that can't reach the cache waits until nothing that was read
 * before its change can remain.
 */
export function createSharedLinks(options: SharedLinksOptions): LinkCache {
  const { background, lookup, lifetime = LINK_LIFETIME, now = () => performance.now() } = options;
  const wait = options.wait ?? ((ms, signal) => delay(ms, undefined, { signal }));
  /** The clocks of two machines don't run at exactly the same speed. */
  const margin = 100 + lifetime / 100;

  const forget = async (links: readonly LinkName[], signal: AbortSignal | undefined): Promise<void> => {
    const deadline = now() + lifetime + margin;
    let left = groupByKind(links);
    for (;;) {
      const outcomes = await Promise.all(
        left.map(async (group) => ((await succeeds(options.memory(group.kind).drop(group.paths))) ? [] : [group])),
      );
      left = outcomes.flat();
      const remaining = deadline - now();
      if (left.length === 0 || remaining <= 0) return;
      await wait(Math.min(RETRY, remaining), signal);
    }
  };

  return {
    async through({ kind, path }, read) {
      const memory = options.memory(kind);
      const token = randomUUID();
      // If the cache fails, the storage answers.
      const asked = await memory.ask(path, token, lifetime).catch(() => undefined);
      const known = asked?.value !== undefined && isDigest(asked.value) ? asked.value : undefined;
      lookup?.(known !== undefined);
      if (known !== undefined) return known;
      const isLeased = asked?.value === undefined && asked?.leased === true;
      const found = await read();
      if (isLeased)
        background.run(() => (found === undefined ? memory.release(path, token) : memory.fill(path, token, found)));
      return found;
    },

    async changing(links, work, call) {
      const changed = new Map<string, LinkName>();
      const announce = async (more: readonly LinkName[]): Promise<void> => {
        for (const link of more) changed.set(link.path, link);
        // For readers during the change; what matters is that the entries are gone afterwards.
        await Promise.all(
          groupByKind(more).map(({ kind, paths }) => succeeds(options.memory(kind).block(paths, lifetime))),
        );
      };
      await announce(links);
      try {
        return await work(announce);
      } finally {
        // Even if the work failed: part of it may have been done, or may still be done.
        await forget([...changed.values()], call?.signal);
      }
    },
  };
}

interface Group {
  readonly kind: LinkName["kind"];
  readonly paths: readonly string[];
}

function groupByKind(links: readonly LinkName[]): readonly Group[] {
  const groups = new Map<LinkName["kind"], string[]>();
  for (const { kind, path } of links) groups.set(kind, [...(groups.get(kind) ?? []), path]);
  return [...groups].map(([kind, paths]) => ({ kind, paths }));
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
