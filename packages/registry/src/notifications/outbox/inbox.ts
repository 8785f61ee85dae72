import { makeDirectories } from "@longshore/base/make-directories";
import { readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { parseEvent, type RegistryEvent } from "../../event-formats/event.js";
import { DIRECTORY_MODE, writeWhole } from "./files.js";

/** Next to the outbox: files of events left by processes other than its owner, one JSON object per line. */
export function inboxOf(slot: string): string {
  return join(slot, "inbox");
}

/** Who leaves files in an inbox: a worker whose primary doesn't answer. */
export interface Dropper {
  /** Leaves events, durably. Rejects if the disk can't store them. */
  drop(lines: readonly string[]): Promise<void>;
  /** Whether the owner has taken over everything that was left here. */
  isTaken(): Promise<boolean>;
}

/** @param unique distinguishes this process's files from those of others */
export function createDropper(slot: string, unique: string): Dropper {
  const inbox = inboxOf(slot);
  let count = 0;
  let last: string | undefined;
  return {
    async drop(lines) {
      await makeDirectories(inbox, DIRECTORY_MODE);
      count += 1;
      const name = `${String(Date.now()).padStart(15, "0")}.${unique}.${String(count).padStart(8, "0")}`;
      const path = join(inbox, `${name}.jsonl`);
      await writeWhole(join(inbox, `${name}.part`), path, Buffer.from(lines.map((line) => `${line}\n`).join("")));
      last = path;
    },
    async isTaken() {
      if (last === undefined) return true;
      const isThere = await stat(last).then(
        () => true,
        () => false,
      );
      if (!isThere) last = undefined;
      return !isThere;
    },
  };
}

/** The result of reading an inbox. */
export interface Collected {
  readonly files: number;
  /** Lines that aren't events; their files are kept with the suffix `.rejected`. */
  readonly rejected: number;
}

/** Events that are passed on at a time. */
const BATCH = 1000;

/**
 * Passes every event of an inbox to `keep`, in the order of the files' names, and removes the files afterwards: after a crash in
 * between, they are passed on again. Dead letters go to the endpoint that they name.
 */
export async function collectInbox(
  slot: string,
  keep: (events: readonly RegistryEvent[]) => Promise<void>,
): Promise<Collected> {
  const inbox = inboxOf(slot);
  const names = (await readdir(inbox).catch(() => [])).filter((name) => name.endsWith(".jsonl")).sort();
  let rejected = 0;
  for (const name of names) {
    const path = join(inbox, name);
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "");
    const events = lines.map(eventOf).filter((event) => event !== undefined);
    for (let at = 0; at < events.length; at += BATCH) await keep(events.slice(at, at + BATCH));
    const bad = lines.length - events.length;
    rejected += bad;
    if (bad > 0) await rename(path, `${path}.rejected`);
    else await unlink(path);
  }
  return { files: names.length, rejected };
}

/** The event of a line: bare, or in a dead letter. */
function eventOf(line: string): RegistryEvent | undefined {
  const bare = parseEvent(line);
  if (bare !== undefined) return bare;
  let letter: unknown;
  try {
    letter = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof letter !== "object" || letter === null || !("event" in letter) || !("endpoint" in letter))
    return undefined;
  const event = parseEvent(JSON.stringify(letter.event));
  return event === undefined || typeof letter.endpoint !== "string" ? undefined : { ...event, only: letter.endpoint };
}
