import { randomUUID } from "node:crypto";
import { MINUTE, SECOND } from "@longshore/base/duration";
import type { RecordStore } from "@longshore/storage";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { isDeadProcess, thisProcess } from "./process-space.js";

/** How often a holder shows that it lives (ms). */
export const BEAT = 3 * SECOND;

/** A lease that has stayed the same for so long (ms) may be taken by another process. */
const EXPIRY = 10 * SECOND;

/** A lease whose last beat is so long ago (ms) by the clocks of both machines may be taken at once. */
const LONG_AGO = 2 * MINUTE;

/** Leases of others whose last change is remembered. */
const REMEMBERED = 10_000;

/** What is known of a lease's holder. */
export interface LeaseHolder<Note> {
  readonly note: Note;
  /** False: it has died, as far as anyone can tell. */
  readonly isAlive: boolean;
}

/** A lease that this process has. */
export interface Lease<Note> {
  /** What the holder before had noted, where that has died. */
  readonly previous: Note | undefined;
  /** Changes what other processes read. */
  tell(note: Note): void;
  /** Gives it up. Never throws: what can't be removed expires. Idempotent. */
  release(): Promise<void>;
}

/**
 * Rights that one process at a time has, across workers and replicas over one storage. A process that stands still for long may lose one
 * without noticing, so they save work, and nothing may be wrong without them.
 */
export interface Leases<Note> {
  /** The lease, unless another process has it and lives. Throws StorageError. */
  take(name: string, note: Note): Promise<Lease<Note> | undefined>;
  /** Who has the lease; undefined: no process. Throws StorageError. */
  look(name: string): Promise<LeaseHolder<Note> | undefined>;
}

export interface LeaseOptions<Note> {
  readonly records: RecordStore;
  readonly note: z.ZodType<Note>;
  /** Called with each beat of a lease that this process has. */
  readonly onBeat?: (name: string) => void;
}

/** Leases as records, which their holders rewrite while they live. */
export function createLeases<Note>({ records, note: noteSchema, onBeat }: LeaseOptions<Note>): Leases<Note> {
  const schema = z.object({
    id: z.string(),
    beat: z.number(),
    at: z.number(),
    process: z.object({ space: z.string(), pid: z.number() }).optional(),
    note: noteSchema,
  });
  type Content = z.output<typeof schema>;
  const seen = new LRUCache<string, { readonly version: string; readonly since: number }>({ max: REMEMBERED });

  const format = (content: Content): Uint8Array => Buffer.from(JSON.stringify(content));
  /** Undefined of one that can't be read, which is as one of the dead. */
  const parse = (bytes: Uint8Array): Content | undefined => schema.safeParse(parseJson(bytes)).data;

  const isDead = (name: string, version: string, content: Content | undefined): boolean => {
    if (content === undefined || (content.process !== undefined && isDeadProcess(content.process))) return true;
    if (Math.abs(Date.now() - content.at) > LONG_AGO) return true;
    const known = seen.get(name);
    if (known?.version === version) return performance.now() - known.since > EXPIRY;
    seen.set(name, { version, since: performance.now() });
    return false;
  };

  const hold = (name: string, first: Content, previous: Note | undefined): Lease<Note> => {
    let content = first;
    let isOver = false;
    let working = Promise.resolve();

    /** Renews only what is still ours. A beat that fails is followed by another. */
    const renew = async (): Promise<void> => {
      if (isOver) return;
      const found = await records.read(name);
      if (found === undefined || parse(found.value)?.id !== content.id) {
        isOver = true;
        return;
      }
      content = { ...content, beat: content.beat + 1, at: Date.now() };
      await records.replace(name, format(content), found.version);
    };
    const queue = (work: () => Promise<void>): Promise<void> => {
      working = working.then(work).catch(() => undefined);
      return working;
    };
    const timer = setInterval(() => {
      onBeat?.(name);
      void queue(renew);
    }, BEAT).unref();

    const remove = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      const found = await records.read(name);
      if (found !== undefined && parse(found.value)?.id === content.id) await records.remove(name);
    };
    return {
      previous,
      tell(note) {
        content = { ...content, note };
        void queue(renew);
      },
      release() {
        clearInterval(timer);
        return queue(remove);
      },
    };
  };

  return {
    async take(name, note) {
      const content = { id: randomUUID(), beat: 0, at: Date.now(), process: thisProcess(), note };
      const found = await records.read(name);
      if (found === undefined) {
        return (await records.create(name, format(content))) ? hold(name, content, undefined) : undefined;
      }
      const previous = parse(found.value);
      if (!isDead(name, found.version, previous)) return undefined;
      const isTaken = await records.replace(name, format(content), found.version);
      return isTaken ? hold(name, content, previous?.note) : undefined;
    },
    async look(name) {
      const found = await records.read(name);
      const content = found === undefined ? undefined : parse(found.value);
      if (found === undefined || content === undefined) return undefined;
      return { note: content.note, isAlive: !isDead(name, found.version, content) };
    },
  };
}

/** What every lease has, whatever its note. */
const DATED = z.object({ at: z.number() });

/** Removes the leases in `folder` whose holders died long ago, and what the storage keeps of those that were released. */
export async function tidyLeases(records: RecordStore, folder: string): Promise<void> {
  for await (const name of records.list(folder)) {
    const found = await records.read(name);
    if (found === undefined) continue;
    const content = DATED.safeParse(parseJson(found.value));
    if (!content.success || Math.abs(Date.now() - content.data.at) > LONG_AGO) await records.remove(name);
  }
}

/** Undefined of what is no JSON. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
