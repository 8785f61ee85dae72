import { digestOf, OCI_INDEX, OCI_MANIFEST, parseRepositoryName, type Digest } from "@longshore/storage";

/** The storage that all share. */
export interface FuzzStorage {
  readonly driver: "filesystem" | "s3";
  readonly parameters: Readonly<Record<string, string | boolean>>;
}

/**
 * Over object storage, how long collectors wait, and how long registries rely on not having seen one (ms). Seconds in
 * earnest; here there are to be many collections.
 */
export const LOCK_WAIT = 300;
export const COLLECTOR_SEEN_FOR = 200;

/** What a fuzzing process is told. */
export interface FuzzPlan {
  readonly storage: FuzzStorage;
  /** A directory of this machine for the collectors. */
  readonly work: string;
  readonly seed: number;
  /** Layers that everybody pushes: the fewer collections there are, the more it takes for some to be unused in between. */
  readonly layers: number;
  /** Which of the processes. */
  readonly process: number;
  /** Calls of the registry, of all its clients together. */
  readonly operations: number;
  /** ms */
  readonly grace: number;
  /** False: pushes don't renew leases, so that the race that leases win is lost. */
  readonly handshake: boolean;
}

/** A manifest that a client pushed under a tag of its own, and what belongs to it. */
export interface Held {
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
  /** Referrers that were pushed since. */
  readonly referrers: readonly Digest[];
}

/** What a fuzzing process found. */
export interface FuzzReport {
  readonly operations: number;
  readonly pushes: number;
  /** Pushes that were refused since a collector was faster, and made again. */
  readonly repeated: number;
  readonly collections: number;
  /** Collections that weren't begun since another one worked. */
  readonly refused: number;
  readonly removedBlobs: number;
  readonly removedManifests: number;
  /** What an acknowledged manifest missed. */
  readonly violations: readonly string[];
  readonly held: readonly Held[];
}

/** A message between processes, which has the shape that the sender's type says: both are compiled of this file. */
export function isFuzzPlan(message: unknown): message is FuzzPlan {
  return typeof message === "object" && message !== null && "storage" in message && "handshake" in message;
}

export function isFuzzReport(message: unknown): message is FuzzReport {
  return typeof message === "object" && message !== null && "violations" in message && "held" in message;
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Few repositories and little content, so that everybody meets everybody. */
export const REPOSITORIES = ["fuzz/one", "fuzz/two", "fuzz/three"].map(parseRepositoryName);

export interface Content {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

function contentOf(text: string): Content {
  const bytes = new TextEncoder().encode(text);
  return { bytes, digest: digestOf(bytes) };
}

/** What decides what is pushed: numbers from 0 to below 1, and of how many layers. */
export interface Chance {
  readonly random: () => number;
  readonly layers: number;
}

/** One of the layers that everybody pushes. */
export function layerAt({ random, layers }: Chance): Content {
  return contentOf(`layer ${Math.floor(random() * layers)}`);
}

export interface Image {
  readonly blobs: readonly Content[];
  readonly manifest: Content;
  readonly mediaType: string;
}

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

/** An image of one to three layers; many clients push the same. `extra` makes it another one. */
export function imageAt(chance: Chance, extra: object = {}): Image {
  const layers = Array.from({ length: 1 + Math.floor(chance.random() * 3) }, () => layerAt(chance));
  const config = layerAt(chance);
  const describe = (mediaType: string, { bytes, digest }: Content) => ({ mediaType, digest, size: bytes.length });
  const manifest = contentOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(CONFIG_TYPE, config),
      layers: layers.map((layer) => describe(LAYER_TYPE, layer)),
      ...extra,
    }),
  );
  return { blobs: [config, ...layers], manifest, mediaType: OCI_MANIFEST };
}

/** An index of images. */
export function indexOf(images: readonly Image[]): Content {
  const manifests = images.map(({ manifest, mediaType }) => ({
    mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
  }));
  return contentOf(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
}
