import { splitDigest, type Digest } from "@longshore/storage";

/** Bytes of a digest that is kept compactly: nearly all are sha256. */
const SIZE = 32;
const WORDS = SIZE / 4;
/** Tables that grow one at a time, so that growing never needs twice the memory. A power of two. */
const TABLES = 256;
const FIRST_CAPACITY = 16;

/** Digests of one table, by open addressing: the digest itself is as good as a hash. */
interface Table {
  /** `WORDS` words for each place; a place of zeros is free. */
  words: Uint32Array;
  count: number;
}

/**
 * A set of digests, for counting what a whole storage has: a sha256 digest takes some 60 bytes instead of the 150 of a string in a
 * `Set`, and none of them is an object that the garbage collector visits.
 */
export class DigestSet {
  readonly #tables: readonly Table[] = Array.from({ length: TABLES }, () => ({
    words: new Uint32Array(FIRST_CAPACITY * WORDS),
    count: 0,
  }));
  /** Digests of other algorithms, and the one that consists of zeros. */
  readonly #others = new Set<Digest>();
  readonly #bytes = Buffer.alloc(SIZE);
  readonly #wanted = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What the digests take in memory (bytes), about. */
  get weight(): number {
    return this.#tables.reduce((sum, { words }) => sum + words.byteLength, 0) + this.#others.size * 300;
  }

  /** Returns whether it is new. */
  add(digest: Digest): boolean {
    const isNew = this.#insert(digest);
    if (isNew) this.#size += 1;
    return isNew;
  }

  #insert(digest: Digest): boolean {
    const { algorithm, hex } = splitDigest(digest);
    if (algorithm === "sha256") this.#bytes.write(hex, "hex");
    if (algorithm !== "sha256" || this.#wanted.every((word) => word === 0)) {
      const { size } = this.#others;
      return this.#others.add(digest).size > size;
    }
    const table = this.#tables[(this.#bytes[0] ?? 0) % TABLES];
    return table !== undefined && insertInto(table, this.#wanted);
  }
}

function insertInto(table: Table, digest: Uint32Array): boolean {
  const at = placeOf(table.words, digest);
  if (!isFree(table.words, at)) return false;
  table.words.set(digest, at);
  table.count += 1;
  if (table.count * 4 > (table.words.length / WORDS) * 3) grow(table);
  return true;
}

function grow(table: Table): void {
  const before = table.words;
  table.words = new Uint32Array(before.length * 2);
  for (let at = 0; at < before.length; at += WORDS) {
    if (isFree(before, at)) continue;
    const digest = before.subarray(at, at + WORDS);
    table.words.set(digest, placeOf(table.words, digest));
  }
}

/** Where `digest` is in `words`, or where it belongs. */
function placeOf(words: Uint32Array, digest: Uint32Array): number {
  const mask = words.length / WORDS - 1;
  // Not the first word, by which the table was chosen.
  for (let place = (digest[1] ?? 0) & mask; ; place = (place + 1) & mask) {
    const at = place * WORDS;
    if (isFree(words, at) || digest.every((word, index) => words[at + index] === word)) return at;
  }
}

function isFree(words: Uint32Array, at: number): boolean {
  for (let index = 0; index < WORDS; index++) if (words[at + index] !== 0) return false;
  return true;
}
