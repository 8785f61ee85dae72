import type { CollectOptions } from "./options.js";
import type { WorkFiles } from "./work-files.js";

/** How far a collection has come. */
export interface Note {
  /** The storage's time when it began, in ms. What was marked since then stays true: leases are measured from here. */
  readonly start: number;
  readonly marked: boolean;
  /** The bucket of blobs that is being swept, from 1; 0: none yet. */
  readonly swept: number;
}

/** An older collection is begun anew: much that it marked may be unused by now. */
const GOOD_FOR = 24 * 60 * 60_000;

/** The note of an interrupted collection that can be gone on with. */
export async function readNote(work: WorkFiles, options: CollectOptions): Promise<Note | undefined> {
  const note = await work.readNote();
  if (typeof note !== "object" || note === null) return undefined;
  const { start, marked, swept, key } = note as Readonly<Record<string, unknown>>;
  if (key !== keyOf(options) || typeof start !== "number" || typeof swept !== "number") return undefined;
  if (Date.now() - start > GOOD_FOR || start > Date.now() + GOOD_FOR) return undefined;
  return { start, marked: marked === true, swept };
}

/** As {@link readNote} reads it. */
export function noteOf(options: CollectOptions, note: Note): unknown {
  return { ...note, key: keyOf(options) };
}

/** What must be the same for a collection to be gone on with. */
function keyOf({ identity, grace, deleteUntagged, dryRun }: CollectOptions): string {
  return JSON.stringify([1, identity ?? null, grace, deleteUntagged?.age ?? null, dryRun === true]);
}
