import { hash } from "node:crypto";
import { extname, join } from "node:path";
import { MIB } from "@longshore/base/size";
import type { BuiltPage } from "../built-page.js";

/** A file of the page, in the encodings that it was built in. */
export interface PageFile {
  readonly type: string;
  /** By content coding; `identity` is always there. */
  readonly encodings: ReadonlyMap<Coding, EncodedFile>;
}

/** A file's bytes in one coding, with the entity tag of these very bytes. */
export interface EncodedFile {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Content codings, best first. */
const CODINGS = ["br", "gzip", "identity"] as const;

/** One of {@link CODINGS}. */
export type Coding = (typeof CODINGS)[number];

/** What the page is made of. */
export interface PageFiles {
  readonly index: PageFile;
  /** By their names, which have a digest of their content in them. */
  readonly assets: ReadonlyMap<string, PageFile>;
}

const SUFFIXES: Readonly<Record<Coding, string>> = { br: ".br", gzip: ".gz", identity: "" };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
};

/** A name with a digest, such as `index-B4x_9dQk.js`. */
const HASHED = /^[A-Za-z0-9._-]+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

/** What all files may take in memory, in all codings (bytes). */
const MOST_BYTES = 8 * MIB;

/**
 * Reads what the console was built to: `index.html`, and `assets/`. Throws an Error that says what is wrong with it; one with the code
 * `ENOENT` if it wasn't built.
 */
export async function readPageFiles(built: BuiltPage): Promise<PageFiles> {
  let total = 0;
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = await built.read(path);
    total += bytes.byteLength;
    if (total > MOST_BYTES) throw new Error(`the files in ${built.path} take more than ${MOST_BYTES} bytes`);
    return bytes;
  };

  async function readEncoded(parent: string, name: string, names: ReadonlySet<string>): Promise<PageFile> {
    const type = TYPES[extname(name)];
    if (type === undefined)
      throw new Error(`${join(built.path, parent, name)} is of a type that the console doesn't serve`);
    const encodings = new Map<Coding, EncodedFile>();
    for (const coding of CODINGS) {
      const file = `${name}${SUFFIXES[coding]}`;
      if (!names.has(file)) continue;
      const bytes = await read(join(parent, file));
      encodings.set(coding, { bytes, etag: `"${hash("sha256", bytes, "base64url").slice(0, 27)}"` });
    }
    return { type, encodings };
  }

  const index = await readEncoded("", "index.html", new Set(await built.list("")));
  if (!index.encodings.has("identity")) throw missing(join(built.path, "index.html"));
  const parent = "assets";
  const names = new Set(await built.list(parent));
  const assets = new Map<string, PageFile>();
  for (const name of names) {
    if (/\.(?:br|gz)$/.test(name)) continue;
    if (!HASHED.test(name)) throw new Error(`${join(built.path, parent, name)} has no digest in its name`);
    assets.set(name, await readEncoded(parent, name, names));
  }
  return { index, assets };
}

function missing(path: string): Error {
  return Object.assign(new Error(`${path} is missing`), { code: "ENOENT" });
}

/** The coding of `file` that a client gets which sent `Accept-Encoding: accept` (RFC 9110 §12.5.3). */
export function chooseCoding({ encodings }: PageFile, accept: string | undefined): Coding {
  const accepted = new Map<string, boolean>();
  for (const part of (accept ?? "").split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    accepted.set(name, !parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter)));
  }
  return CODINGS.find((coding) => encodings.has(coding) && accepted.get(coding) === true) ?? "identity";
}
