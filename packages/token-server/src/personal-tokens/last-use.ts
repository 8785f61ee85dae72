import type { AuthLog, Clock } from "@longshore/auth";
import { MINUTE, SECOND } from "@longshore/base/duration";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Records } from "../contract.js";

/** When tokens were last used: noted in memory, and written together, at most once a minute for each token. */
export interface LastUse {
  /** Never waits. */
  note(id: string): void;
  /** Milliseconds since 1970; undefined if it has never been used, or not since the last minute. Throws what {@link Records} throws. */
  read(id: string): Promise<number | undefined>;
  remove(id: string): Promise<void>;
  /** Writes what is noted. */
  close(): Promise<void>;
}

const RECORD = z.object({ at: z.number() });

const FOLDER = "token-server/personal-token-use";

/** Tokens whose last writing is remembered. */
const REMEMBERED = 10_000;

/** Tokens that are noted at most until the next writing; the use of others shows with their next one. */
const MOST_NOTED = 10_000;

/** The times of use in `records`. */
export function openLastUse(
  records: Records,
  { log, clock }: { readonly log: AuthLog; readonly clock: Clock },
): LastUse {
  const written = new LRUCache<string, number>({ max: REMEMBERED });
  let noted = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  async function write(id: string, at: number): Promise<void> {
    const name = `${FOLDER}/${id}`;
    const found = await records.read(name);
    const known = found === undefined ? undefined : readTime(found.value);
    // Another process has written a moment ago.
    if (known !== undefined && at - known < MINUTE && known <= at) return;
    const value = Buffer.from(JSON.stringify({ at }));
    // If another process is faster, its time is as good.
    await (found === undefined ? records.create(name, value) : records.replace(name, value, found.version));
  }

  async function flush(): Promise<void> {
    const batch = noted;
    noted = new Map();
    for (const [id, at] of batch) {
      try {
        await write(id, at);
      } catch (error) {
        const reason = error instanceof Error ? error.message : "unknown fault";
        log.warn("the last use of personal access tokens can't be written at the moment", { error: reason });
        return;
      }
    }
  }

  function schedule(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = writing.then(flush);
    }, SECOND).unref();
  }

  return {
    note(id) {
      const now = clock();
      const before = written.get(id);
      if (before !== undefined && Math.abs(now - before) < MINUTE) return;
      if (noted.size >= MOST_NOTED) return;
      written.set(id, now);
      noted.set(id, now);
      schedule();
    },
    async read(id) {
      const found = await records.read(`${FOLDER}/${id}`);
      return noted.get(id) ?? (found === undefined ? undefined : readTime(found.value));
    },
    async remove(id) {
      noted.delete(id);
      await records.remove(`${FOLDER}/${id}`);
    },
    async close() {
      clearTimeout(timer);
      timer = undefined;
      writing = writing.then(flush);
      await writing;
    },
  };
}

function readTime(value: Uint8Array): number | undefined {
  try {
    const parsed = RECORD.safeParse(JSON.parse(Buffer.from(value).toString("utf8")));
    return parsed.success ? parsed.data.at : undefined;
  } catch {
    return undefined;
  }
}
