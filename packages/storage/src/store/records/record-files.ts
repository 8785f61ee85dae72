import { DAY } from "@longshore/base/duration";
import type { StorageDriver, Touching } from "../../contract/driver.js";
import type { RecordStore } from "../../contract/records.js";
import { orUndefined } from "../shared/links.js";
import { recordPath, recordsBelow } from "./record-path.js";

/** The first byte of a version: a value follows, or the record was removed. */
const VALUE = 1;
const REMOVED = 0;

const VERSION = /^\d{12}$/;

/** How long a removed record's last version stays (ms): no change that began before the removal takes as long. */
const REMOVED_STAYS = DAY;

/** The newest version of a record; 0 where there never was one. */
interface Latest {
  readonly number: number;
  readonly path: string;
  /** Undefined: removed, or never there. */
  readonly value: Uint8Array | undefined;
}

/**
 * Records as directories of numbered versions, of which the highest counts. A change creates the next number, and of several
 * changes one can do so. A number may also be free because its file was cleaned up; then a higher one is there, and a look
 * afterwards finds it: the change is lost, and no reader has seen it. A removal is a version too, so that a change that began
 * earlier doesn't bring the record back.
 */
export function openFileRecords(driver: StorageDriver & Touching): RecordStore {
  const pathOf = (name: string): string => recordPath(driver.name, name);

  async function versionsIn(directory: string): Promise<readonly string[]> {
    const page = await orUndefined(driver.list(directory));
    return (page?.names ?? []).filter((name) => VERSION.test(name));
  }

  async function latest(directory: string): Promise<Latest> {
    for (;;) {
      const file = (await versionsIn(directory)).at(-1);
      if (file === undefined) return { number: 0, path: directory, value: undefined };
      const path = `${directory}/${file}`;
      const bytes = await orUndefined(driver.read(path));
      // Missing: replaced and cleaned up since the look.
      if (bytes === undefined) continue;
      return { number: Number(file), path, value: bytes[0] === VALUE ? bytes.subarray(1) : undefined };
    }
  }

  /** Creates the version behind `number`; false if another one came first. */
  async function advance(directory: string, number: number, content: Uint8Array): Promise<boolean> {
    const file = String(number + 1).padStart(12, "0");
    const path = `${directory}/${file}`;
    if (!(await driver.writeNew(path, content, { secret: true }))) return false;
    const known = await versionsIn(directory);
    if (known.some((each) => each > file)) {
      await orUndefined(driver.delete(path, { fileOnly: true }));
      return false;
    }
    for (const each of known) {
      if (each < file) await orUndefined(driver.delete(`${directory}/${each}`, { fileOnly: true }));
    }
    return true;
  }

  async function isForgotten({ number, path, value }: Latest): Promise<boolean> {
    if (number === 0 || value !== undefined) return false;
    const info = await orUndefined(driver.stat(path, { fileOnly: true }));
    return info !== undefined && Date.now() - info.modified.getTime() > REMOVED_STAYS;
  }

  return {
    async read(name) {
      const { number, value } = await latest(pathOf(name));
      return value === undefined ? undefined : { value, version: String(number) };
    },
    async create(name, value) {
      const { number, value: present } = await latest(pathOf(name));
      return present === undefined && advance(pathOf(name), number, Buffer.from([VALUE, ...value]));
    },
    async replace(name, value, version) {
      const { number, value: present } = await latest(pathOf(name));
      if (present === undefined || String(number) !== version) return false;
      return advance(pathOf(name), number, Buffer.from([VALUE, ...value]));
    },
    async remove(name) {
      for (;;) {
        const { number, value } = await latest(pathOf(name));
        if (value === undefined || (await advance(pathOf(name), number, Buffer.from([REMOVED])))) return;
      }
    },
    async *list(folder) {
      for await (const name of recordsBelow(driver, folder)) {
        const found = await latest(pathOf(name));
        if (found.value !== undefined) yield name;
        else if (await isForgotten(found)) await orUndefined(driver.delete(pathOf(name)));
      }
    },
  };
}
