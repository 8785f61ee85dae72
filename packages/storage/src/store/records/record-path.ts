import type { StorageDriver } from "../../contract/driver.js";
import { StorageError } from "../../errors.js";
import { RECORDS_DIRECTORY } from "../../layout/paths.js";
import { orUndefined } from "../shared/links.js";

/** Tells a record from a folder of records, so that a record may be called as a folder beside it. */
const SUFFIX = ".record";

const WORD = /^(?!\.{1,2}$)[a-z0-9._-]{1,128}$/;

/** How many names of a folder are read at a time. */
const PAGE = 500;

/** The path of the record `name`. Throws INVALID_PATH. */
export function recordPath(driver: string, name: string): string {
  return `${folderPath(driver, name)}${SUFFIX}`;
}

function folderPath(driver: string, folder: string): string {
  const words = folder.split("/");
  if (words.every((word) => WORD.test(word) && !word.endsWith(SUFFIX))) return `${RECORDS_DIRECTORY}/${folder}`;
  throw new StorageError({ code: "INVALID_PATH", driver, path: folder });
}

/** The names of the records below `folder`, those in folders of it included. */
export async function* recordsBelow(driver: StorageDriver, folder: string): AsyncGenerator<string> {
  const directory = folderPath(driver.name, folder);
  let startAfter: string | undefined;
  for (;;) {
    const page = await orUndefined(driver.list(directory, { startAfter, limit: PAGE }));
    for (const name of page?.names ?? []) {
      if (name.endsWith(SUFFIX)) yield `${folder}/${name.slice(0, -SUFFIX.length)}`;
      else yield* recordsBelow(driver, `${folder}/${name}`);
    }
    startAfter = page?.names.at(-1);
    if (page?.more !== true || startAfter === undefined) return;
  }
}
