/** Bytes from `start` up to and including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a Range header requests. */
export type RangeVerdict =
  | { readonly kind: "whole" }
  | ({ readonly kind: "part" } & ByteRange)
  /** Two or more, in the order requested. */
  | { readonly kind: "parts"; readonly parts: readonly ByteRange[] }
  | { readonly kind: "unsatisfiable" }
  | { readonly kind: "malformed" };

const WHOLE: RangeVerdict = { kind: "whole" };

const UNSATISFIABLE: RangeVerdict = { kind: "unsatisfiable" };

const MALFORMED: RangeVerdict = { kind: "malformed" };

/**
 * The most ranges of one request. Clients that pull parts of layers send up to a thousand, as many as fit in a head of the
 * size that Node allows.
 */
const MAX_RANGES = 1024;

const RANGE = /^(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * What to send of `size` bytes for `header` (RFC 9110 §14.2), by the rules of Go's library, which Distribution uses: units
 * other than bytes are ignored, ranges outside of the content are left out, and ranges that are too many, or longer in total
 * than the content, get all of it. Overlapping ranges can therefore never cost more than a plain GET.
 */
export function parseRange(header: string | undefined, size: number): RangeVerdict {
  if (header?.startsWith("bytes=") !== true) return WHOLE;
  // Empty elements are ignored (RFC 9110 §5.6.1).
  const specs = header
    .slice("bytes=".length)
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  if (specs.length === 0 || specs.length > MAX_RANGES) return WHOLE;
  const parts: ByteRange[] = [];
  let total = 0;
  for (const spec of specs) {
    const range = rangeOf(spec, size);
    if (range === undefined) return MALFORMED;
    if (range.start > range.end) continue;
    parts.push(range);
    total += range.end - range.start + 1;
  }
  const [first, ...others] = parts;
  if (first === undefined) return UNSATISFIABLE;
  if (total > size) return WHOLE;
  return others.length === 0 ? { kind: "part", ...first } : { kind: "parts", parts };
}

/** The range that `spec` describes; one outside of the content ends before it begins. Undefined if `spec` is invalid. */
function rangeOf(spec: string, size: number): ByteRange | undefined {
  const [, first, last = "", suffix] = RANGE.exec(spec) ?? [];
  if (suffix !== undefined) return { start: size - Math.min(Number(suffix), size), end: size - 1 };
  if (first === undefined) return undefined;
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/** The range in an upload's `Content-Range`. */
export interface ChunkRange {
  readonly start: number;
  readonly length: number;
}

/** `<first>-<last>` (distribution-spec §Pushing a blob in chunks), or as in HTTP: `bytes <first>-<last>/<size>` (RFC 9110 §14.4). */
const CHUNK_RANGE = /^(?:bytes\s+)?(\d{1,15})-(\d{1,15})(?:\/(\*|\d{1,15}))?$/i;

/** The range in `header`; undefined if it is invalid, ends before it begins, or exceeds the size it states. */
export function parseChunkRange(header: string): ChunkRange | undefined {
  const [, first, last, size = "*"] = CHUNK_RANGE.exec(header) ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (size !== "*" && Number(last) >= Number(size)) return undefined;
  const start = Number(first);
  const length = Number(last) - start + 1;
  return length > 0 ? { start, length } : undefined;
}
