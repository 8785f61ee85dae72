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

/** What facts, a reference, a platform, and a character of its texts take (bytes): about in memory, and at most in JSON. */
const BYTES = { facts: 1000, reference: 300, platform: 100, character: 6 };

/** What `facts` take in memory (bytes), about; their JSON takes no more. */
export function weightOf({ blobs, children, platforms, artifactType = "" }: ManifestFacts): number {
  const characters = platforms.reduce((sum, each) => sum + Object.values(each).join().length, artifactType.length);
  return (
    BYTES.facts +
    BYTES.reference * (blobs.length + children.length) +
    BYTES.platform * platforms.length +
    BYTES.character * characters
  );
}

/**
 * The longest text that is kept of a manifest or config. Many manifests of a few bytes can share a config of a megabyte: what each of
 * them repeats of it must be small.
 */
const LONGEST_TEXT = 255;
/** How many of a platform's features are kept. */
const MOST_FEATURES = 16;

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
    mediaType: mediaType.slice(0, LONGEST_TEXT),
    artifactType: isShort(manifest?.artifactType) ? manifest.artifactType : undefined,
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
    return manifest.manifests.flatMap(({ platform }) => (platform === undefined ? [] : boundedPlatform(platform)));
  }
  const { os, architecture, variant, osVersion } = config?.platform ?? {};
  if (os === undefined || architecture === undefined) return [];
  return boundedPlatform({
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { "os.version": osVersion }),
  });
}

const isShort = (text: string | undefined): text is string => text !== undefined && text.length <= LONGEST_TEXT;

/** `platform` without what is too long; none if that is what it is for. */
function boundedPlatform(platform: Platform): readonly Platform[] {
  const { os, architecture, variant, "os.version": version, "os.features": features } = platform;
  if (!isShort(os) || !isShort(architecture)) return [];
  return [
    {
      os,
      architecture,
      ...(isShort(variant) ? { variant } : {}),
      ...(isShort(version) ? { "os.version": version } : {}),
      ...(features === undefined ? {} : { "os.features": features.filter(isShort).slice(0, MOST_FEATURES) }),
    },
  ];
}

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
