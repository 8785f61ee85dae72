/** What a Range header asks of `size` bytes. */
export type RangeVerdict =
  | { readonly kind: "whole" }
  /** From byte `start` up to and including byte `end`. */
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" }
  | { readonly kind: "malformed" };

const WHOLE: RangeVerdict = { kind: "whole" };

const UNSATISFIABLE: RangeVerdict = { kind: "unsatisfiable" };

/** One or more ranges as they may be written. */
const GRAMMAR = /^bytes=\s*(?:\d+-\d*|-\d+)(?:\s*,\s*(?:\d+-\d*|-\d+))*\s*$/;

/**
 * What to send for `header` (RFC 9110 §14.2). Other units than bytes are ignored; several ranges get the whole content, as
 * the original does: overlapping ones could ask for many times what there is.
 */
export function parseRange(header: string | undefined, size: number): RangeVerdict {
  if (header?.startsWith("bytes=") !== true) return WHOLE;
  if (!GRAMMAR.test(header)) return { kind: "malformed" };
  if (header.includes(",")) return WHOLE;
  const [, first = "", last = ""] = /(\d*)-(\d*)/.exec(header) ?? [];
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? UNSATISFIABLE : { kind: "part", start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? UNSATISFIABLE : { kind: "part", start, end };
}

/** An upload's `Content-Range` (distribution-spec §Pushing a blob in chunks): `<first>-<last>`, without a unit. */
export interface ChunkRange {
  readonly start: number;
  readonly length: number;
}

/** The range that `header` spells; undefined where it is none, or ends before it begins. */
export function parseChunkRange(header: string): ChunkRange | undefined {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(header) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const start = Number(first);
  const length = Number(last) - start + 1;
  return length > 0 ? { start, length } : undefined;
}
