import { lastUsed, mergeUses, type Use } from "./use.js";

/** This share of a full table is forgotten at once, so that it is sorted rarely. */
const FORGET = 0.1;

/** The uses of tags and manifests by repository: of at most so many, the most recently used ones. */
export class UseTable {
  readonly #limit: number;
  readonly #uses = new Map<string, Map<string, Use>>();
  #size = 0;
  #forgottenUntil = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `item` is a tag or a digest. */
  get(name: string, item: string): Use | undefined {
    return this.#uses.get(name)?.get(item);
  }

  /** When something that is forgotten may have been used last (ms since 1970): what was used later is known. 0: nothing is. */
  get forgottenUntil(): number {
    return this.#forgottenUntil;
  }

  /** Something was forgotten elsewhere that belongs to this table. */
  forgetUntil(time: number): void {
    this.#forgottenUntil = Math.max(this.#forgottenUntil, time);
  }

  /** What is known of the repository, by tag and digest. */
  of(name: string): ReadonlyMap<string, Use> {
    return this.#uses.get(name) ?? NOTHING;
  }

  add(name: string, item: string, use: Use): void {
    const uses = this.#uses.get(name) ?? new Map<string, Use>();
    this.#uses.set(name, uses);
    const before = uses.get(item);
    uses.set(item, mergeUses(before, use) ?? use);
    if (before !== undefined) return;
    this.#size += 1;
    if (this.#size > this.#limit) this.#forgetOldest();
  }

  *entries(): Generator<readonly [name: string, item: string, use: Use]> {
    for (const [name, uses] of this.#uses) for (const [item, use] of uses) yield [name, item, use];
  }

  #forgetOldest(): void {
    const all = [...this.entries()].sort(([, , a], [, , b]) => lastUsed(a) - lastUsed(b));
    for (const [name, item, use] of all.slice(0, Math.ceil(this.#limit * FORGET))) {
      this.forgetUntil(lastUsed(use));
      const uses = this.#uses.get(name);
      if (uses?.delete(item) !== true) continue;
      this.#size -= 1;
      if (uses.size === 0) this.#uses.delete(name);
    }
  }
}

const NOTHING: ReadonlyMap<string, Use> = new Map();
