import type { TarEntry, TarEntryType } from "./tar-entries.js";
import type { LayerCompression } from "./decompression.js";
import type { LayerTableFound } from "./layer-footer.js";

/** What a layer has at a path. */
export interface LayerFile {
  /** Without a slash at its beginning or end. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Bytes; 0 for what has no content of its own. */
  readonly size: number;
  /** Permission bits, as `chmod` takes them. */
  readonly mode: number;
  /** Where a link leads, as it is written. */
  readonly link?: string | undefined;
  /** Of the layers below: this path is gone, or everything in this directory is (image-spec layer.md §Whiteouts). */
  readonly removes?: "path" | "contents" | undefined;
}

/** How much is looked at for one list. */
export interface LayerLimits {
  /** Also those that are no files. Eight further pieces of a file in a table count as one. */
  readonly entries: number;
  /** Of the tar, after decompression. */
  readonly bytes: number;
  /** Of all files together as JSON, in bytes: their paths and link targets as JSON has them, and 128 for what else a file takes. */
  readonly text: number;
  /** Of all PAX headers and long names together, in bytes. */
  readonly metadata: number;
  /** Of a layer's own table of its files, in bytes: as it is stored, and as it is read. */
  readonly table: { readonly stored: number; readonly read: number };
}

/** The files of a layer. */
export interface LayerListing {
  readonly compression: LayerCompression;
  readonly files: readonly LayerFile[];
  /** Which limit ended the list before the layer did; undefined: it is complete. */
  readonly cutBy?: "entries" | "bytes" | "text" | "metadata" | "time" | undefined;
  /** The table that says so; undefined: the tar itself does. */
  readonly table?: LayerTableFound | undefined;
}

/** Takes entries until a limit is reached. */
export interface ListingBuilder {
  readonly files: readonly LayerFile[];
  readonly cutBy: "entries" | "text" | undefined;
  /** False once a limit is reached. */
  add(entry: TarEntry): boolean;
  /** The same for a further piece of a file, of which a large one has many. */
  addPiece(): boolean;
}

/** What a file takes in JSON beside its path and link target: names, digits, separators. */
const REST_OF_FILE = 128;
/** What a piece of a file counts as. */
const PIECE = 1 / 8;

export function createListing(limits: Pick<LayerLimits, "entries" | "text">): ListingBuilder {
  const files: LayerFile[] = [];
  let cutBy: ListingBuilder["cutBy"];
  let entries = 0;
  let text = 0;
  const count = (weight: number): boolean => {
    entries += weight;
    if (entries > limits.entries) cutBy = "entries";
    return cutBy === undefined;
  };
  return {
    files,
    get cutBy() {
      return cutBy;
    },
    addPiece: () => count(PIECE),
    add(entry) {
      if (!count(1)) return false;
      const file = fileOf(entry);
      if (file === undefined) return true;
      text += REST_OF_FILE + jsonBytes(file.path) + (file.link === undefined ? 0 : jsonBytes(file.link));
      if (text > limits.text) {
        cutBy = "text";
        return false;
      }
      files.push(file);
      return true;
    },
  };
}

/** A control character or half a surrogate pair takes six bytes. */
const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** Undefined for what is no file of the image. */
function fileOf({ path: written, type, size, mode, link }: TarEntry): LayerFile | undefined {
  if (type === undefined) return undefined;
  const path = written
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/") + 1;
  const last = path.slice(slash);
  const common = { type, size, mode };
  if (last === OPAQUE) return { ...common, path: path.slice(0, Math.max(0, slash - 1)), removes: "contents" };
  if (last.startsWith(WHITEOUT)) {
    return { ...common, path: path.slice(0, slash) + last.slice(WHITEOUT.length), removes: "path" };
  }
  return { ...common, path, ...(type === "symlink" || type === "link" ? { link } : {}) };
}
