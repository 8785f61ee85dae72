import { splitDigest, type Digest } from "../model/digest.js";

/** Words of 32 bits that tell digests apart: the first 256 bits, which no two digests share. */
const WORDS = 8;
const LEAST = 1024;

/** A set of digests in flat memory: 32 bytes each, and as much again for empty places. */
export class DigestSet {
  #slots = new Uint32Array(LEAST * WORDS);
  #size = 0;
  readonly #bytes = Buffer.alloc(WORDS * 4);
  readonly #key: Uint32Array = new Uint32Array(WORDS);

  get size(): number {
    return this.#size;
  }

  /** Adds `digest`, and returns whether it is new. */
  add(digest: Digest): boolean {
    if (this.#size * 10 > (this.#slots.length / WORDS) * 7) this.#grow();
    this.#read(digest);
    const at = this.#find(this.#slots, this.#key);
    if (this.#slots[at] !== 0) return false;
    this.#slots.set(this.#key, at);
    this.#size += 1;
    return true;
  }

  has(digest: Digest): boolean {
    this.#read(digest);
    return this.#slots[this.#find(this.#slots, this.#key)] !== 0;
  }

  clear(): void {
    this.#slots = new Uint32Array(LEAST * WORDS);
    this.#size = 0;
  }

  #read(digest: Digest): void {
    const { algorithm, hex } = splitDigest(digest);
    this.#bytes.write(hex.slice(0, WORDS * 8), "hex");
    for (let word = 0; word < WORDS; word += 1) this.#key[word] = this.#bytes.readUInt32LE(word * 4);
    // 0 says that a place is empty; algorithms don't meet.
    this.#key[0] = (((this.#key[0] ?? 0) ^ algorithm.charCodeAt(3)) | 1) >>> 0;
  }

  /** Where `key` is, or the empty place for it. */
  #find(slots: Uint32Array, key: Uint32Array): number {
    const places = slots.length / WORDS;
    let place = (key[1] ?? 0) & (places - 1);
    for (;;) {
      const at = place * WORDS;
      if (slots[at] === 0 || this.#isAt(slots, at, key)) return at;
      place = (place + 1) & (places - 1);
    }
  }

  #isAt(slots: Uint32Array, at: number, key: Uint32Array): boolean {
    for (let word = 0; word < WORDS; word += 1) if (slots[at + word] !== key[word]) return false;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] === 0) continue;
      const key = old.subarray(at, at + WORDS);
      slots.set(key, this.#find(slots, key));
    }
    this.#slots = slots;
  }
}
