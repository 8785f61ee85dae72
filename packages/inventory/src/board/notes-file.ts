/** The last notes of one process, as the others read them. */
export interface PostedNotes {
  /** The number of the last one; the first that a process ever posts is 1. */
  readonly last: number;
  /** The last ones, oldest first. */
  readonly notes: readonly string[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One line for the number, and one for each note: notes have no line ends. */
export function encodeNotes({ last, notes }: PostedNotes): Uint8Array {
  return encoder.encode([String(last), ...notes, ""].join("\n"));
}

/** The inverse of {@link encodeNotes}; undefined for a damaged file. */
export function decodeNotes(bytes: Uint8Array): PostedNotes | undefined {
  const [first = "", ...notes] = decoder.decode(bytes).split("\n");
  const isWhole = /^[1-9][0-9]{0,14}$/.test(first) && notes.pop() === "";
  return isWhole ? { last: Number(first), notes } : undefined;
}
