import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CacheObserver, LinkCache, LinkName } from "../contract/caches.js";
import { isDigest } from "../model/digest.js";
import type { Background } from "./background.js";
import type { SharedMemory } from "./shared-memory.js";

/**
 * How long an entry lives, from before its value was read in the storage (ms). All processes must agree on it, whatever their
 * version: a change that can't be made known waits that long. So it is no setting.
 */
export const LINK_LIFETIME = 5000;

/** Between two attempts to make a change known (ms). */
const RETRY = 250;

/** What the parts are told; times in ms. */
export interface SharedLinksOptions {
  /** The step of the protocol, for the kind of the link. */
  readonly memory: (kind: LinkName["kind"]) => SharedMemory;
  readonly background: Background;
  readonly lookup?: CacheObserver["lookup"];
  /** {@link LINK_LIFETIME} where absent; for tests. */
  readonly lifetime?: number | undefined;
  /** A clock that only goes forwards. */
  readonly now?: (() => number) | undefined;
  readonly wait?: ((ms: number, signal: AbortSignal | undefined) => Promise<unknown>) | undefined;
}

/**
 * Links remembered for all processes, by the protocol of docs/architecture.md §Caches:
 * a reader fills an entry only with the permission that it was given before it read the storage; a writer takes value and
 * permissions away after its change and before it answers; and whoever can't reach the cache waits until nothing that was read
 * before its change can be left.
 */
export function createSharedLinks(options: SharedLinksOptions): LinkCache {
  const { background, lookup, lifetime = LINK_LIFETIME, now = () => performance.now() } = options;
  const wait = options.wait ?? ((ms, signal) => delay(ms, undefined, { signal }));
  /** Clocks of two machines don't run at quite the same speed. */
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
      // Whatever goes wrong with the cache is the storage's to answer.
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
        // For those who ask during the change; what counts is that entries are gone afterwards.
        await Promise.all(
          groupByKind(more).map(({ kind, paths }) => succeeds(options.memory(kind).block(paths, lifetime))),
        );
      };
      await announce(links);
      try {
        return await work(announce);
      } finally {
        // Also where the work failed: it may have been done in part, or be done later.
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
