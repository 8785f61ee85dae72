import {
  isStorageError,
  OCI_INDEX,
  parseManifest,
  parseTagName,
  referencesOf,
  type Digest,
  type Registry,
  type Repository,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import {
  imageAt,
  indexOf,
  layerAt,
  REPOSITORIES,
  type Chance,
  type Content,
  type Held,
  type Image,
} from "./fuzz-universe.js";

/** Pushes that a collector with no patience may refuse in a row before the client does something else. */
const PATIENCE = 30;

/** What the clients of a process count. */
export interface Counters {
  operations: number;
  pushes: number;
  repeated: number;
  readonly violations: string[];
}

interface Holding {
  readonly digest: Digest;
  readonly referrers: Digest[];
}

/**
 * A client that pushes what others push, too, under tags that nobody else touches: what it holds there must be whole whenever
 * it looks.
 */
export class FuzzClient {
  readonly #registry: Registry;
  readonly #random: () => number;
  readonly #chance: Chance;
  readonly #id: string;
  readonly #counters: Counters;
  readonly #holdings = new Map<string, Holding>();

  constructor(registry: Registry, id: string, chance: Chance, counters: Counters) {
    this.#registry = registry;
    this.#random = chance.random;
    this.#chance = chance;
    this.#id = id;
    this.#counters = counters;
  }

  /** Everything that it holds. */
  held(): readonly Held[] {
    return [...this.#holdings].map(([key, { digest, referrers }]) => {
      const [repository = "", tag = ""] = key.split("@");
      return { repository, tag, digest, referrers };
    });
  }

  async step(): Promise<void> {
    const repository = this.#registry.repository(this.#pick(REPOSITORIES));
    const tag = parseTagName(`${this.#id}-${Math.floor(this.#random() * 3)}`);
    const dice = this.#random();
    if (dice < 0.3) await this.#pushImage(repository, tag);
    else if (dice < 0.4) await this.#pushIndex(repository, tag);
    else if (dice < 0.5) await this.#pushReferrer(repository, tag);
    else if (dice < 0.58) await this.#deleteTag(repository, tag);
    else if (dice < 0.62) await this.#pushAndDelete(repository);
    else if (dice < 0.7) await this.#pushBlob(repository, layerAt(this.#chance));
    else await this.verify(repository, tag);
  }

  /** Looks whether what the tag holds is whole. */
  async verify(repository: Repository, tag: TagName): Promise<void> {
    const holding = this.#holdings.get(keyOf(repository.name, tag));
    if (holding === undefined) return;
    const target = await this.#call(() => repository.tags.resolve(tag));
    if (target !== holding.digest) this.#violation(repository, `${tag} leads to ${target}, not ${holding.digest}`);
    for (const digest of [holding.digest, ...holding.referrers]) await this.#verifyManifest(repository, digest);
    for (const referrer of holding.referrers) {
      const { items } = await this.#call(() => repository.referrers.list(holding.digest));
      if (items.some(({ digest }) => digest === referrer)) continue;
      this.#violation(repository, `${holding.digest} doesn't list its referrer ${referrer}`);
    }
  }

  async #verifyManifest(repository: Repository, digest: Digest): Promise<void> {
    try {
      const { bytes, mediaType } = await this.#call(() => repository.manifests.get(digest));
      for (const { kind, descriptor } of referencesOf(parseManifest(bytes, mediaType))) {
        if (kind === "manifest") await this.#verifyManifest(repository, descriptor.digest);
        else {
          const stream = await this.#call(() => repository.blobs.open(descriptor.digest));
          await stream.close();
        }
      }
    } catch (error) {
      if (!isStorageError(error)) throw error;
      this.#violation(repository, `${digest}: ${error.message}`);
    }
  }

  async #pushImage(repository: Repository, tag: TagName): Promise<void> {
    const image = imageAt(this.#chance);
    if (await this.#push(repository, [image], image.manifest, image.mediaType, [tag])) {
      this.#holdings.set(keyOf(repository.name, tag), { digest: image.manifest.digest, referrers: [] });
    }
  }

  async #pushIndex(repository: Repository, tag: TagName): Promise<void> {
    const images = [imageAt(this.#chance), imageAt(this.#chance)];
    const index = indexOf(images);
    const isPushed = await this.#insist(async () => {
      for (const image of images) {
        if (!(await this.#push(repository, [image], image.manifest, image.mediaType, []))) return;
      }
      await this.#put(repository, index, OCI_INDEX, [tag]);
    });
    if (isPushed) this.#holdings.set(keyOf(repository.name, tag), { digest: index.digest, referrers: [] });
  }

  async #pushReferrer(repository: Repository, tag: TagName): Promise<void> {
    const holding = this.#holdings.get(keyOf(repository.name, tag));
    if (holding === undefined || holding.referrers.length >= 2) return;
    const subject = { mediaType: OCI_INDEX, digest: holding.digest, size: 1 };
    const image = imageAt(this.#chance, { subject, annotations: { by: this.#id } });
    if (await this.#push(repository, [image], image.manifest, image.mediaType, [])) {
      if (!holding.referrers.includes(image.manifest.digest)) holding.referrers.push(image.manifest.digest);
    }
  }

  async #deleteTag(repository: Repository, tag: TagName): Promise<void> {
    if (!this.#holdings.delete(keyOf(repository.name, tag))) return;
    await this.#call(() => repository.tags.delete(tag));
  }

  /** A manifest that nobody else pushes, which can be deleted by its digest. */
  async #pushAndDelete(repository: Repository): Promise<void> {
    const image = imageAt(this.#chance, { annotations: { own: `${this.#id} ${this.#counters.operations}` } });
    const tag = parseTagName(`${this.#id}-gone`);
    if (!(await this.#push(repository, [image], image.manifest, image.mediaType, [tag]))) return;
    await this.#verifyManifest(repository, image.manifest.digest);
    await this.#call(() => repository.manifests.delete(image.manifest.digest));
  }

  /** Pushes as clients do: asks for each blob, leaves out what is there, and begins again where it is told that some is gone. */
  async #push(
    repository: Repository,
    images: readonly Image[],
    manifest: Content,
    mediaType: string,
    tags: readonly TagName[],
  ): Promise<boolean> {
    return this.#insist(async () => {
      for (const image of images) for (const blob of image.blobs) await this.#pushBlob(repository, blob);
      await this.#put(repository, manifest, mediaType, tags);
    });
  }

  async #insist(attempt: () => Promise<void>): Promise<boolean> {
    for (let tries = 0; tries < PATIENCE; tries += 1) {
      try {
        await attempt();
        return true;
      } catch (error) {
        if (!isStorageError(error, "MANIFEST_REFERENCES_UNKNOWN")) throw error;
        this.#counters.repeated += 1;
      }
    }
    return false;
  }

  async #put(repository: Repository, content: Content, mediaType: string, tags: readonly TagName[]): Promise<void> {
    await this.#call(() => repository.manifests.put({ bytes: content.bytes, mediaType, tags }));
    this.#counters.pushes += 1;
  }

  async #pushBlob(repository: Repository, { bytes, digest }: Content): Promise<void> {
    if (await this.#succeeds("BLOB_UNKNOWN", () => repository.blobs.stat(digest, { keep: true }))) return;
    const from = this.#random() < 0.5 ? this.#pick(REPOSITORIES) : undefined;
    if (this.#random() < 0.5 && (await this.#succeeds("BLOB_UNKNOWN", () => repository.blobs.mount(digest, from))))
      return;
    const { uuid } = await this.#call(() => repository.uploads.start());
    await this.#call(() => repository.uploads.commit(uuid, digest, { bytes: once(bytes) }));
  }

  async #succeeds(unless: "BLOB_UNKNOWN", work: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#call(work);
      return true;
    } catch (error) {
      if (isStorageError(error, unless)) return false;
      throw error;
    }
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.#counters.operations += 1;
    return work();
  }

  #violation({ name }: Repository, what: string): void {
    this.#counters.violations.push(`${name}: ${what}`);
  }

  #pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }
}

function keyOf(name: RepositoryName, tag: TagName): string {
  return `${name}@${tag}`;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes.slice());
}
