import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { KIB, MIB } from "@longshore/base/size";
import type { Digest, LayerListing } from "@longshore/storage";
import { count, oneOf, parseValue, record, refuse, text } from "../shared/values.js";

/** Another one is needed when lists are made or written in another way, or with other limits: what has another one is made again. */
const VERSION = 2;
/** The largest list that is kept (bytes of JSON): whoever makes lists makes none that is larger. */
const MAX_FILES = 16 * MIB + KIB;
const MAX_HEAD = 4 * KIB;
const LINE_FEED = 0x0a;

/** What a list was read from: the layer's own table, or its tar. */
export type ListSource = "table" | "tar";

/** A list as it is kept, and answered without being read: it can be large. */
export interface WrittenListing extends Omit<LayerListing, "files"> {
  /** A list in JSON, in UTF-8, as the extension API answers it. */
  readonly files: Uint8Array;
}

/** A compressed text: a line of JSON that says whose list it is, and the files. Undefined if they are too many. */
export async function encodeList(
  digest: Digest,
  source: ListSource,
  { files, ...rest }: WrittenListing,
): Promise<Uint8Array | undefined> {
  if (files.length > MAX_FILES) return undefined;
  const head = JSON.stringify({ version: VERSION, digest, source, ...rest });
  return promisify(gzip)(Buffer.concat([Buffer.from(`${head}\n`), files]));
}

/** The inverse of {@link encodeList}; undefined for anything else, and for the list of another layer. */
export async function decodeList(
  bytes: Uint8Array,
  digest: Digest,
  source: ListSource,
): Promise<WrittenListing | undefined> {
  let plain: Buffer;
  try {
    plain = await promisify(gunzip)(bytes, { maxOutputLength: MAX_HEAD + MAX_FILES });
  } catch {
    return undefined;
  }
  const end = plain.subarray(0, MAX_HEAD).indexOf(LINE_FEED);
  if (end < 0) return undefined;
  return parseValue(plain.subarray(0, end).toString(), (value) => {
    const stored = record(value);
    if (stored["version"] !== VERSION || stored["digest"] !== digest || stored["source"] !== source) return refuse();
    const { compression, cutBy, table } = stored;
    return {
      compression: oneOf(compression, ["none", "gzip", "zstd"]),
      files: plain.subarray(end + 1),
      ...(cutBy === undefined ? {} : { cutBy: oneOf(cutBy, ["entries", "bytes", "text", "metadata"]) }),
      ...(table === undefined ? {} : { table: tableOf(record(table)) }),
    };
  });
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
