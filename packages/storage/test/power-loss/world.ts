import { storeBlob } from "@longshore/testkit/store-blob";
import { isStorageError } from "../../src/errors.js";
import type { Registry } from "../../src/contract/registry.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { repository, tag } from "../store/support.js";
import type { Recorder } from "./recorder.js";

/** What is pushed, and to which repository. */
type Item =
  | { readonly kind: "blob"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: "manifest"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: "tag"; readonly name: string; readonly tag: string };

const keyOf = (item: Item): string =>
  `${item.kind} ${item.name} ${item.kind === "tag" ? item.tag : digestOf(item.bytes)}`;

const PRESENT = "present";

/** The states allowed for each item, with `undefined` if it may be missing. What was acknowledged has only one. */
export class World {
  readonly #recorder: Recorder;
  readonly #items = new Map<string, Item>();
  readonly #allowed = new Map<string, Set<string | undefined>>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** Runs `work`, after whose answer all of `items` exist; tags point to `target`. */
  async push(items: readonly Item[], work: () => Promise<unknown>, target: string = PRESENT): Promise<void> {
    const valueOf = (item: Item): string => (item.kind === "tag" ? target : PRESENT);
    for (const item of items) {
      this.#items.set(keyOf(item), item);
      this.#recorder.mark(() => void this.#setOf(item).add(valueOf(item)));
    }
    await work();
    for (const item of items) this.#recorder.mark(() => void this.#allowed.set(keyOf(item), new Set([valueOf(item)])));
  }

  /** Runs `work`, after which `items` may be missing: a delete that a power loss undoes is repeated by the client. */
  async remove(items: readonly Item[], work: () => Promise<unknown>): Promise<void> {
    for (const item of items) this.#recorder.mark(() => void this.#setOf(item).add(undefined));
    await work();
  }

  /** Restores the expectations after the first `end` steps. */
  rewind(end: number): void {
    this.#allowed.clear();
    for (const step of this.#recorder.steps.slice(0, end)) if (step.kind === "mark") step.mark();
  }

  /** What `registry` serves wrongly. */
  async faults(registry: Registry): Promise<readonly string[]> {
    const faults: string[] = [];
    await registry.repositories();
    for (const [key, item] of this.#items) {
      const allowed = this.#allowed.get(key) ?? new Set([undefined]);
      const found = await lookUp(registry, item);
      const isFree = !this.#allowed.has(key) && found !== "damaged";
      if (!isFree && !allowed.has(found))
        faults.push(`${key} is ${found ?? "missing"}, not ${[...allowed].join(" or ")}`);
    }
    return faults;
  }

  /** Pushes everything once more, and returns what isn't served afterwards. */
  async pushAgain(registry: Registry, fresh: () => Registry): Promise<readonly string[]> {
    const order = { blob: 0, manifest: 1, tag: 2 };
    const items = [...this.#items.values()].sort((one, other) => order[one.kind] - order[other.kind]);
    for (const item of items) await pushItem(registry, item);
    const missing: string[] = [];
    for (const item of items) {
      if (item.kind === "tag") continue;
      const found = await lookUp(fresh(), item);
      if (found !== PRESENT) missing.push(`${keyOf(item)} is ${found ?? "missing"} after it was pushed again`);
    }
    return missing;
  }

  #setOf(item: Item): Set<string | undefined> {
    const allowed = this.#allowed.get(keyOf(item)) ?? new Set([undefined]);
    this.#allowed.set(keyOf(item), allowed);
    return allowed;
  }
}

/** Pushes blobs and manifests, with their tags. */
export async function pushItem(registry: Registry, item: Item, tags: readonly string[] = []): Promise<void> {
  if (item.kind === "tag") return;
  const { uploads, manifests } = registry.repository(repository(item.name));
  if (item.kind === "manifest") {
    await manifests.put({ bytes: item.bytes, mediaType: OCI_MANIFEST, tags: tags.map(tag) });
    return;
  }
  await storeBlob({ uploads }, digestOf(item.bytes), item.bytes);
}

/** The registry's state of `item`: what a tag points to, or that bytes are present; undefined if there is nothing. */
async function lookUp(registry: Registry, item: Item): Promise<string | undefined> {
  const { blobs, manifests, tags } = registry.repository(repository(item.name));
  try {
    if (item.kind === "tag") return await tags.resolve(tag(item.tag));
    const digest = digestOf(item.bytes);
    if (item.kind === "manifest") return (await manifests.get(digest)).digest === digest ? PRESENT : "damaged";
    const { size } = await blobs.stat(digest);
    return size === item.bytes.length && (await digestServed(registry, item.name, digest)) === digest
      ? PRESENT
      : "damaged";
  } catch (error) {
    const isMissing = ["TAG_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"].some(
      (code) => isStorageError(error) && error.code === code,
    );
    if (isMissing) return undefined;
    throw error;
  }
}

async function digestServed(registry: Registry, name: string, digest: Digest): Promise<Digest> {
  const stream = await registry.repository(repository(name)).blobs.open(digest);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  } finally {
    await stream.close();
  }
  return digestOf(Buffer.concat(chunks));
}
