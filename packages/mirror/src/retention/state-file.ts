import { MIB } from "@longshore/base/size";
import { isStorageError, type StorageDriver } from "@longshore/storage";
import { formatEntries, parseEntries, type Entries, type Entry } from "./entries.js";

/** Distribution's file of what is cached, at the storage's root. */
export const STATE_PATH = "/scheduler-state.json";

/** Where one goes that can't be read. */
const CORRUPT_PATH = "/scheduler-state.corrupt.json";

/** Some 300,000 entries. */
const LIMIT = 64 * MIB;

/** The state file. */
export interface StateFile {
  /** What is cached by the file's word. One that can't be understood is moved aside, and is as none. Throws StorageError. */
  read(): Promise<Entries>;
  /** Replaces it. */
  write(entries: Entries): Promise<void>;
}

/** `onCorrupt` is told of a file that was moved aside; `now` is in ms since 1970. */
export function openStateFile(
  driver: StorageDriver,
  ttl: number,
  onCorrupt: (error: unknown) => void,
  now: () => number = Date.now,
): StateFile {
  const moveAside = async (error: unknown): Promise<Entries> => {
    await driver.move(STATE_PATH, CORRUPT_PATH);
    onCorrupt(error);
    return new Map<string, Entry>();
  };
  return {
    async read() {
      let bytes: Uint8Array;
      try {
        bytes = await driver.read(STATE_PATH, { limit: LIMIT });
      } catch (error) {
        if (isStorageError(error, "PATH_NOT_FOUND")) return new Map<string, Entry>();
        throw error;
      }
      try {
        return parseEntries(Buffer.from(bytes).toString("utf8"), ttl, now());
      } catch (error) {
        return moveAside(error);
      }
    },
    write: (entries) => driver.write(STATE_PATH, Buffer.from(formatEntries(entries, ttl))),
  };
}
