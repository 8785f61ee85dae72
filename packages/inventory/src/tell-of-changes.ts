import type { RepositoryName, StorageDriver } from "@longshore/storage";
import { openBoard } from "./board/board.js";
import { formatChange } from "./documents/notes.js";
import { CHANGES_BOARD } from "./layout.js";

/**
 * Tells every process that repositories were changed by one that has no inventory, such as a collector. `processId` is a word that no other
 * process has, of letters, digits and `-`. Throws StorageError.
 */
export async function tellOfChanges(
  driver: StorageDriver,
  processId: string,
  names: Iterable<RepositoryName>,
): Promise<void> {
  const board = openBoard(driver, CHANGES_BOARD, processId);
  await Promise.all([...names].map((name) => board.post(formatChange(name, "all"))));
}
