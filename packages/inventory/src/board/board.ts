import { DAY } from "@longshore/base/duration";
import { orUndefined, type StorageDriver } from "@longshore/storage";
import { batched } from "@longshore/base/batched";
import { encodeNotes } from "./notes-file.js";
import { createBoardReader, type BoardReader, type Positions } from "./reader.js";

/** How many notes of a process stay: a reader that misses more knows that it has. */
const NOTES = 64;

/**
 * Where the processes of all registries over one storage tell each other what they have changed: a folder with a file for each
 * process, which only that process writes (docs/protocols/inventory.md §Boards).
 */
export interface Board {
  /** Resolves when every process can read `note`, which has no line end. Not durable. */
  post(note: string): Promise<void>;
  reader(from?: Positions): BoardReader;
}

/** The board in `folder`, as the process `id` uses it: a unique word of letters, digits and `-`. */
export function openBoard(driver: StorageDriver, folder: string, id: string): Board {
  let last = 0;
  let notes: readonly string[] = [];

  const write = batched(async (): Promise<void> => {
    const isFirst = last === notes.length && last <= 1;
    await driver.write(`${folder}/${id}`, encodeNotes({ last, notes }), { durable: false });
    // What stays lying there does no harm: the next process tries again.
    if (isFirst) await forgetOthers().catch(() => undefined);
  });

  /** Removes what processes have left that posted nothing for a day. */
  const forgetOthers = async (): Promise<void> => {
    for (const name of (await orUndefined(driver.list(folder)))?.names ?? []) {
      const info = await orUndefined(driver.stat(`${folder}/${name}`, { fileOnly: true }));
      if (info === undefined || Date.now() - info.modified.getTime() < DAY) continue;
      await orUndefined(driver.delete(`${folder}/${name}`, { fileOnly: true }));
    }
  };

  return {
    post(note) {
      last += 1;
      notes = [...notes, note].slice(-NOTES);
      return write();
    },
    reader: (from) => createBoardReader(driver, folder, from),
  };
}
