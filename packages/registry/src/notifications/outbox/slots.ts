import { makeDirectories } from "@longshore/base/make-directories";
import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { DIRECTORY_MODE } from "./files.js";
import { inboxOf } from "./inbox.js";
import { lockDirectory, type DirectoryLock } from "./lock.js";

/** One registry's part of the outbox directory. */
export interface Slot {
  readonly directory: string;
  readonly lock: DirectoryLock;
}

/** Registries that can share one directory. */
const MOST_SLOTS = 256;

/**
 * Takes the first part of `directory` that no living registry has, so that several registries may share
 * a directory, and one that comes back finds what it left. Throws if the directory can't be used.
 */
export async function takeSlot(directory: string): Promise<Slot> {
  for (let number = 0; number < MOST_SLOTS; number += 1) {
    const slot = await tryTake(join(directory, String(number)));
    if (slot !== undefined) return slot;
  }
  throw new Error(`${MOST_SLOTS} registries share ${directory} already`);
}

/** Takes over the parts that other registries have left with events in them. */
export async function takeAbandoned(directory: string): Promise<readonly Slot[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => /^[0-9]{1,3}$/.test(name));
  const taken: Slot[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const entries = await readdir(path).catch(() => []);
    const left = await readdir(inboxOf(path)).catch(() => []);
    const holdsEvents =
      entries.some((entry) => entry.startsWith("segment.")) || left.some((entry) => entry.endsWith(".jsonl"));
    const slot = holdsEvents ? await tryTake(path).catch(() => undefined) : undefined;
    if (slot !== undefined) taken.push(slot);
  }
  return taken;
}

async function tryTake(directory: string): Promise<Slot | undefined> {
  await makeDirectories(directory, DIRECTORY_MODE);
  const lock = await lockDirectory(directory);
  return lock === undefined ? undefined : { directory, lock };
}

/** Releases a slot whose events are all sent, so that it isn't read again. */
export async function clearSlot({ directory, lock }: Slot): Promise<void> {
  for (const name of await readdir(directory)) {
    // Its cursors stay: they keep the numbers of its records from being used twice.
    if (name.startsWith("segment.")) await unlink(join(directory, name));
  }
  await lock.release();
}
