import { MIB } from "@longshore/base/size";
import {
  isImageConfig,
  isManifestMediaType,
  isStorageError,
  parseImageConfig,
  parseManifest,
  referencesOf,
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

/** What a manifest says, and its config: as immutable as its digest. */
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
}

/** Configs of images are small; a larger one isn't read. */
const MAX_CONFIG = MIB;

/** The facts of the manifest `digest`; undefined if it is missing. One that can't be parsed has no parts. */
export async function readFacts(digest: Digest, survey: Survey): Promise<ManifestFacts | undefined> {
  const stored = await survey.manifest(digest);
  if (stored === undefined) return undefined;
  const manifest = parsed(stored);
  const config = manifest?.kind === "image" ? await readConfig(manifest.config, survey) : undefined;
  return factsOf(stored, manifest, config);
}

/** What `stored`, which was parsed as `manifest`, and its config say. */
function factsOf(
  { digest, mediaType, bytes }: Pick<StoredManifest, "digest" | "mediaType" | "bytes">,
  manifest: Manifest | undefined,
  config: ImageConfig | undefined,
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

async function readConfig({ mediaType, digest, size }: Descriptor, survey: Survey): Promise<ImageConfig | undefined> {
  if (!isImageConfig(mediaType) || size > MAX_CONFIG) return undefined;
  try {
    const bytes = await survey.blob(digest, MAX_CONFIG);
    return bytes === undefined ? undefined : parseImageConfig(bytes);
  } catch (error) {
    // Larger than its descriptor says.
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
