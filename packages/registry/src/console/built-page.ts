import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { getAsset, isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** The folder that the page was built to, wherever it is. */
export interface BuiltPage {
  /** Shown in messages. */
  readonly path: string;
  /** The names of the files in `folder`, one below this one, or in this one: `""`. */
  list(folder: string): Promise<readonly string[]>;
  /** The bytes of a file. Throws an error with the code `ENOENT` if there is none. */
  read(file: string): Promise<Uint8Array>;
}

/** What the package of the page is built to. It is three folders up from `src/console`, `dist/console` and `dist/bundle`. */
export function builtPage(): BuiltPage {
  if (isSea()) return pageInExecutable();
  return pageInFolder(fileURLToPath(new URL("../../../console/dist", import.meta.url)));
}

/** A page in a folder of the file system. */
export function pageInFolder(path: string): BuiltPage {
  return {
    path,
    async list(folder) {
      const entries = await readdir(join(path, folder), { withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    read: (file) => readFile(join(path, file)),
  };
}

/** The page as deploy/package/executable.mjs puts it into a single file: `page/…`, and a list of these. */
function pageInExecutable(): BuiltPage {
  const names = z.array(z.string()).parse(JSON.parse(getAsset("page.json", "utf8")));
  return {
    path: "the executable",
    list: (folder) => {
      const start = folder === "" ? "" : `${folder}/`;
      const within = names.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
      return Promise.resolve(within.filter((name) => !name.includes("/")));
    },
    read: (file) => Promise.resolve(new Uint8Array(getAsset(`page/${file}`))),
  };
}
