import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { MIB } from "@longshore/base/size";
import type { Digest, LayerFile, LayerListing } from "@longshore/storage";
import { array, count, oneOf, parseValue, record, refuse, text } from "../shared/values.js";

/** Another one is needed when lists are made in another way, or with other limits: what has another one is made again. */
const VERSION = 1;
/** A list of as many files as one may have takes less, whatever their paths. */
const MAX_TEXT = 64 * MIB;

/** What a list was read from: the layer's own table, or its tar. */
export type ListSource = "table" | "tar";

const TYPES = ["file", "directory", "symlink", "link", "character-device", "block-device", "fifo"] as const;
const REMOVALS = ["path", "contents"] as const;

/** A compressed JSON text with the list, and whose it is. */
export async function encodeList(digest: Digest, source: ListSource, listing: LayerListing): Promise<Uint8Array> {
  const files = listing.files.map(({ path, type, size, mode, link, removes }) => [
    path,
    TYPES.indexOf(type),
    size,
    mode,
    link ?? null,
    ...(removes === undefined ? [] : [removes]),
  ]);
  return promisify(gzip)(JSON.stringify({ version: VERSION, digest, source, ...listing, files }));
}

/** The inverse of {@link encodeList}; undefined for anything else, and for the list of another layer. */
export async function decodeList(
  bytes: Uint8Array,
  digest: Digest,
  source: ListSource,
): Promise<LayerListing | undefined> {
  let json: string;
  try {
    json = (await promisify(gunzip)(bytes, { maxOutputLength: MAX_TEXT })).toString();
  } catch {
    return undefined;
  }
  return parseValue(json, (value) => {
    const stored = record(value);
    if (stored["version"] !== VERSION || stored["digest"] !== digest || stored["source"] !== source) return refuse();
    const { compression, cutBy, table, files } = stored;
    return {
      compression: oneOf(compression, ["none", "gzip", "zstd"]),
      files: array(files).map(fileOf),
      ...(cutBy === undefined ? {} : { cutBy: oneOf(cutBy, ["entries", "bytes", "text", "metadata"]) }),
      ...(table === undefined ? {} : { table: tableOf(record(table)) }),
    };
  });
}

function fileOf(value: unknown): LayerFile {
  const [path, type, size, mode, link, removes] = array(value);
  return {
    path: text(path),
    type: TYPES[count(type)] ?? refuse(),
    size: count(size),
    mode: count(mode),
    ...(link === null ? {} : { link: text(link) }),
    ...(removes === undefined ? {} : { removes: oneOf(removes, REMOVALS) }),
  };
}

function tableOf({ format, start, end, length, digest }: Readonly<Record<string, unknown>>) {
  return {
    format: oneOf(format, ["estargz", "zstd:chunked"]),
    start: count(start),
    end: count(end),
    ...(length === undefined ? {} : { length: count(length) }),
    digest: text(digest),
  };
}
