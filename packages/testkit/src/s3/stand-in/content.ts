import { createHash } from "node:crypto";

/** Bytes in memory, in pieces that are never changed: parts and copies share them. */
export interface Content {
  readonly pieces: readonly Buffer[];
  readonly size: number;
}

export function contentOf(bytes: Buffer): Content {
  return { pieces: bytes.byteLength === 0 ? [] : [bytes], size: bytes.byteLength };
}

export function joinContents(contents: readonly Content[]): Content {
  return {
    pieces: contents.flatMap(({ pieces }) => pieces),
    size: contents.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Bytes `start` up to and including `end`. */
export function sliceContent(content: Content, start: number, end: number): Content {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const piece of content.pieces) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end + 1 - offset, piece.byteLength);
    if (from < to) pieces.push(piece.subarray(from, to));
    offset += piece.byteLength;
  }
  return { pieces, size: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

/** Lowercase hex. */
export function md5Of(content: Content): string {
  const hash = createHash("md5");
  for (const piece of content.pieces) hash.update(piece);
  return hash.digest("hex");
}
