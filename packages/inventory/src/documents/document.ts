import type { Digest, RepositoryName, TagName } from "@longshore/storage";
import type { TagSort } from "../contract.js";
import { placesOf, type Placed, type SortKey } from "../lists/page.js";
import { versionKey } from "../lists/version-key.js";
import { weightOf, type ManifestFacts, type Part } from "./facts.js";

/** Where a tag points, and since when (ms since 1970). */
export interface TagState {
  readonly digest: Digest;
  readonly pushed: number;
}

/** What an empty document, and a tag with its places in the orders, take in memory (bytes), about. */
const BYTES = { document: 1000, tag: 850 };

/** Longer keys of versions aren't kept: a tag that is made for it has one of 1,400 characters. */
const LONGEST_KEY = 200;

/** A linked manifest. */
export interface ManifestState {
  readonly facts: ManifestFacts;
  /** ms since 1970. */
  readonly pushed: number;
}

/**
 * What one repository contains, as it was read from the storage. It changes as news arrive; what is derived for lists is kept
 * up to date at a cost that doesn't depend on how much there is.
 */
export class RepositoryDocument {
  readonly name: RepositoryName;
  /** When all links were last read (ms, monotonic). */
  readAt = -Infinity;
  readonly #tags = new Map<TagName, TagState>();
  readonly #manifests = new Map<Digest, ManifestState>();
  readonly #tagsOf = new Map<Digest, Set<TagName>>();
  /** How many tags need a part. */
  readonly #uses = new Map<Digest, number>();
  readonly #sizes = new Map<Digest, number>();
  readonly #versionKeys = new Map<TagName, string>();
  #sortedTags: readonly TagName[] | undefined;
  readonly #orders = new Map<TagSort, readonly Placed<TagName>[]>();
  #parts: ReadonlyMap<Digest, number> | undefined;
  /** What all manifests take in memory (bytes). */
  #manifestBytes = 0;

  constructor(name: RepositoryName) {
    this.name = name;
  }

  get tags(): ReadonlyMap<TagName, TagState> {
    return this.#tags;
  }

  get manifests(): ReadonlyMap<Digest, ManifestState> {
    return this.#manifests;
  }

  /** What it takes in memory (bytes), about. */
  get weight(): number {
    return BYTES.document + BYTES.tag * this.#tags.size + this.#manifestBytes;
  }

  /** Ascending by bytes. */
  get sortedTags(): readonly TagName[] {
    return (this.#sortedTags ??= [...this.#tags.keys()].sort());
  }

  /** The tags in the order of `keyOf`, which looks at nothing but this document: to find it out takes longer than the rest of a page. */
  tagsBy(sort: TagSort, keyOf: ((tag: TagName) => SortKey) | undefined): readonly Placed<TagName>[] {
    const known = this.#orders.get(sort) ?? placesOf({ items: this.sortedTags, nameOf: (tag) => tag, keyOf });
    this.#orders.set(sort, known);
    return known;
  }

  /** By what one of the tags is sorted as a version: to find that out takes longer than to sort. */
  versionKeyOf(tag: TagName): string {
    const known = this.#versionKeys.get(tag);
    if (known !== undefined) return known;
    const key = versionKey(tag);
    if (key.length <= LONGEST_KEY) this.#versionKeys.set(tag, key);
    return key;
  }

  tagsOf(digest: Digest): readonly TagName[] {
    return [...(this.#tagsOf.get(digest) ?? [])].sort();
  }

  /** Undefined: there is no such tag any more. The manifest is set before its tags. */
  setTag(tag: TagName, state: TagState | undefined): void {
    const before = this.#tags.get(tag);
    if (before?.digest !== state?.digest || before?.pushed !== state?.pushed) this.#orders.clear();
    if (before?.digest !== state?.digest) {
      if (before !== undefined) this.#count(before.digest, tag, -1);
      if (state !== undefined) this.#count(state.digest, tag, 1);
    }
    if ((before === undefined) !== (state === undefined)) this.#sortedTags = undefined;
    if (state === undefined) {
      this.#tags.delete(tag);
      this.#versionKeys.delete(tag);
    } else this.#tags.set(tag, state);
  }

  /** Undefined: it isn't linked any more. */
  setManifest(digest: Digest, state: ManifestState | undefined): void {
    const before = this.#manifests.get(digest);
    const isNew = (before === undefined) !== (state === undefined);
    this.#orders.clear();
    if (isNew) this.#parts = undefined;
    this.#manifestBytes += weightOfState(state) - weightOfState(before);
    if (state === undefined) this.#manifests.delete(digest);
    else this.#manifests.set(digest, state);
    if (isNew && this.#sizes.has(digest)) this.#sizes.clear();
    // Tags and indexes that led to it amount to something else now.
    if (isNew && this.#isNeeded(digest)) this.#countAgain();
  }

  /** Everything that the manifest refers to, itself and what is below its children included, with sizes in bytes. */
  wholeOf(digest: Digest): ReadonlyMap<Digest, number> {
    const whole = new Map<Digest, number>();
    this.#collect(digest, whole);
    return whole;
  }

  /** Bytes of everything that the manifest refers to, each digest once. */
  sizeOf(digest: Digest): number {
    const known = this.#sizes.get(digest);
    if (known !== undefined) return known;
    let size = 0;
    for (const bytes of this.wholeOf(digest).values()) size += bytes;
    this.#sizes.set(digest, size);
    return size;
  }

  /** Of {@link sizeOf}, what no other tag's manifest needs. */
  uniqueSizeOf(digest: Digest): number {
    let size = 0;
    for (const [part, bytes] of this.wholeOf(digest)) if (this.#uses.get(part) === 1) size += bytes;
    return size;
  }

  /** Everything that the repository's manifests refer to, with sizes in bytes; manifests themselves, if they are linked. */
  parts(): ReadonlyMap<Digest, number> {
    return (this.#parts ??= this.#readParts());
  }

  #readParts(): ReadonlyMap<Digest, number> {
    const parts = new Map<Digest, number>();
    for (const [digest, { facts }] of this.#manifests) {
      parts.set(digest, facts.bytes);
      for (const blob of facts.blobs) parts.set(blob.digest, blob.size);
    }
    return parts;
  }

  #collect(digest: Digest, into: Map<Digest, number>): void {
    const state = this.#manifests.get(digest);
    if (state === undefined) return;
    into.set(digest, state.facts.bytes);
    for (const blob of state.facts.blobs) into.set(blob.digest, blob.size);
    for (const child of state.facts.children) if (!into.has(child.digest)) this.#collectChild(child, into);
  }

  #collectChild(child: Part, into: Map<Digest, number>): void {
    into.set(child.digest, child.size);
    this.#collect(child.digest, into);
  }

  #count(digest: Digest, tag: TagName, change: 1 | -1): void {
    const tags = this.#tagsOf.get(digest) ?? new Set();
    if (change === 1) tags.add(tag);
    else tags.delete(tag);
    if (tags.size === 0) this.#tagsOf.delete(digest);
    else this.#tagsOf.set(digest, tags);
    for (const part of this.wholeOf(digest).keys()) {
      const uses = (this.#uses.get(part) ?? 0) + change;
      if (uses === 0) this.#uses.delete(part);
      else this.#uses.set(part, uses);
    }
  }

  #isNeeded(digest: Digest): boolean {
    return this.#uses.has(digest) || this.#tagsOf.has(digest);
  }

  #countAgain(): void {
    this.#uses.clear();
    for (const [digest, tags] of this.#tagsOf) {
      for (const part of this.wholeOf(digest).keys()) this.#uses.set(part, (this.#uses.get(part) ?? 0) + tags.size);
    }
  }
}

const weightOfState = (state: ManifestState | undefined): number => (state === undefined ? 0 : weightOf(state.facts));
