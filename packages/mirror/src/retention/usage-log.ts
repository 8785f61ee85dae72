import type { Digest, RepositoryName } from "@longshore/storage";
import type { ContentKind } from "../contract.js";
import { keyOf, type Entry } from "./entries.js";
import type { StateFile } from "./state-file.js";

/** Keeps account of what is cached and used, in the state file that all processes share. */
export interface UsageLog {
  /** It is cached, and was used just now. */
  note(name: RepositoryName, kind: ContentKind, digest: Digest): void;
  /** Writes what isn't in the file yet. Never throws. */
  flush(): Promise<void>;
  /** Flushes for the last time. */
  close(): Promise<void>;
}

export interface UsageLogOptions {
  readonly now: () => number;
  /** Between two looks at the file (ms). */
  readonly interval: number;
  /** How much later (ms) a use must be than the one in the file to be worth a write. */
  readonly grain: number;
  readonly onFailure: (error: unknown) => void;
}

/** Entries that a process remembers until they are in the file. */
const MOST_PENDING = 200_000;

/**
 * Several processes write the file, and none locks it: one may replace what another has just written. So each looks again the next time
 * whether what it wrote is still there, and writes what is missing once more.
 */
export function createUsageLog(file: StateFile, { now, interval, grain, onFailure }: UsageLogOptions): UsageLog {
  let pending = new Map<string, Entry>();
  /** Written the last time, and to be looked at once more. */
  let written = new Map<string, Entry>();
  /** What the file is known to say, so that a use that changes nothing costs nothing. */
  const known = new Map<string, number>();
  let flushing: Promise<void> | undefined;

  const merge = async (): Promise<void> => {
    const mine = new Map([...written, ...pending]);
    const fresh = pending;
    pending = new Map();
    try {
      const entries = new Map(await file.read());
      let changed = false;
      for (const [key, entry] of mine) {
        const found = entries.get(key);
        if (found !== undefined && found.lastUse >= entry.lastUse) continue;
        // Swept meanwhile: what this process wrote the last time needn't come back.
        if (found === undefined && !fresh.has(key) && entry.lastUse < now() - 2 * interval) continue;
        entries.set(key, entry);
        changed = true;
      }
      if (changed) await file.write(entries);
      written = fresh;
    } catch (error) {
      for (const [key, entry] of fresh) if (!pending.has(key)) pending.set(key, entry);
      onFailure(error);
    }
  };

  const flush = (): Promise<void> => {
    if (flushing === undefined && (pending.size > 0 || written.size > 0)) {
      flushing = merge().finally(() => {
        flushing = undefined;
      });
    }
    return flushing ?? Promise.resolve();
  };

  const timer = setInterval(() => void flush(), interval).unref();
  return {
    note(name, kind, digest) {
      const key = keyOf({ name, digest });
      const time = now();
      if (time - (known.get(key) ?? -Infinity) < grain) return;
      if (known.size >= MOST_PENDING) known.clear();
      known.set(key, time);
      if (pending.size < MOST_PENDING) pending.set(key, { name, digest, kind, lastUse: time });
    },
    flush,
    async close() {
      clearInterval(timer);
      await flushing;
      await flush();
    },
  };
}
