import { MIB } from "@longshore/base/size";
import {
  digestOf,
  isImageConfig,
  isManifestMediaType,
  isStorageError,
  parseImageConfig,
  parseManifest,
  referencesOf,
  splitDigest,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Manifest,
  type Platform,
  type StoredManifest,
  type Survey,
} from "@longshore/storage";

/** A digest with the bytes that its descriptor names. */
export interface Part {
  readonly digest: Digest;
  readonly size: number;
}

/** What a manifest says, and its config: as immutable as its digest, once both were read. */
export interface ManifestFacts {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly bytes: number;
  /** The blobs that it refers to, and what may be one. */
  readonly blobs: readonly Part[];
  /** The manifests that it lists, and what may be one. */
  readonly children: readonly Part[];
  readonly platforms: readonly Platform[];
  /** ms since 1970. */
  readonly created: number | undefined;
  readonly subject: Digest | undefined;
  /** False if the config couldn't be read: these facts are to be read again. */
  readonly isFinal: boolean;
}

/** What facts, and a reference, take in memory (bytes), about. */
const BYTES = { facts: 1000, reference: 300 };

/** What `facts` take in memory (bytes), about. */
export function weightOf({ blobs, children }: ManifestFacts): number {
  return BYTES.facts + BYTES.reference * (blobs.length + children.length);
}

/** Configs of images are small; a larger one isn't read. */
const MAX_CONFIG = MIB;

/** The facts of the manifest `digest`; undefined if it is missing. One that can't be parsed has no parts. */
export async function readFacts(digest: Digest, survey: Survey): Promise<ManifestFacts | undefined> {
  const stored = await survey.manifest(digest);
  if (stored === undefined) return undefined;
  const manifest = parsed(stored);
  const isImage = manifest?.kind === "image" && isImageConfig(manifest.config.mediaType);
  if (!isImage || manifest.config.size > MAX_CONFIG) return factsOf(stored, manifest, undefined, true);
  const bytes = await readConfig(manifest.config, survey);
  return factsOf(stored, manifest, bytes && parseImageConfig(bytes), bytes !== undefined);
}

/** What `stored`, which was parsed as `manifest`, and its config say; `isFinal` unless that is missing. */
function factsOf(
  { digest, mediaType, bytes }: Pick<StoredManifest, "digest" | "mediaType" | "bytes">,
  manifest: Manifest | undefined,
  config: ImageConfig | undefined,
  isFinal: boolean,
): ManifestFacts {
  const references = manifest === undefined ? [] : referencesOf(manifest);
  // What may be either is among both: an index of layers refers to blobs as if they were manifests.
  const partsOf = (other: "blob" | "manifest"): readonly Part[] =>
    references
      .filter(({ kind }) => kind !== other)
      .map(({ descriptor: { digest: part, size } }) => ({ digest: part, size }));
  return {
    digest,
    mediaType,
    artifactType: manifest?.artifactType,
    bytes: bytes.length,
    blobs: partsOf("manifest"),
    children: partsOf("blob"),
    platforms: platformsOf(manifest, config),
    created: timeOf(config?.created),
    subject: manifest?.subject?.digest,
    isFinal,
  };
}

function parsed({ bytes, mediaType }: StoredManifest): Manifest | undefined {
  if (!isManifestMediaType(mediaType)) return undefined;
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}

/** Undefined if the config is missing or damaged, or can't be read at the moment. */
async function readConfig({ digest }: Descriptor, survey: Survey): Promise<Uint8Array | undefined> {
  try {
    const bytes = await survey.blob(digest, MAX_CONFIG);
    return bytes !== undefined && digestOf(bytes, splitDigest(digest).algorithm) === digest ? bytes : undefined;
  } catch (error) {
    // Larger than its descriptor says, for one.
    if (isStorageError(error, "DRIVER_ERROR")) return undefined;
    throw error;
  }
}

function platformsOf(manifest: Manifest | undefined, config: ImageConfig | undefined): readonly Platform[] {
  if (manifest?.kind === "index") {
    return manifest.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform]));
  }
  const { os, architecture, variant, osVersion } = config?.platform ?? {};
  if (os === undefined || architecture === undefined) return [];
  return [
    {
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      ...(osVersion === undefined ? {} : { "os.version": osVersion }),
    },
  ];
}

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
