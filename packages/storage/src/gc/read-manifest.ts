import { MIB } from "@longshore/base/size";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { blobData } from "../layout/paths.js";
import { digestOf, isDigest, splitDigest, type Digest } from "../model/digest.js";
import { isJsonObject, member, parseJsonObject } from "../model/manifest/json.js";
import { parseManifest } from "../model/manifest/parse.js";
import { referencesOf } from "../model/manifest/references.js";
import { sniffMediaType } from "../model/manifest/sniff.js";
import { isManifestMediaType } from "../model/media-types.js";
import { orUndefined } from "../store/shared/links.js";

/** No registry accepts larger manifests, whatever limit is configured. */
const MAX_BYTES = 16 * MIB;

/** What a stored manifest needs. */
export type ReadManifest =
  | { readonly kind: "missing" }
  /** It exists, but what it needs is unknown. */
  | { readonly kind: "opaque"; readonly reason: string }
  | ManifestNeeds;

/** Everything that a manifest refers to, whether or not it must exist. */
export interface ManifestNeeds {
  readonly kind: "read";
  readonly references: readonly Digest[];
  /** Those of them that may be manifests. */
  readonly children: readonly Digest[];
  readonly subject?: Digest | undefined;
}

/** Reads the manifest stored under `digest`. Passes on storage errors: a failing disk says nothing about a manifest. */
export async function readManifest(
  driver: StorageDriver,
  digest: Digest,
  options?: CallOptions,
): Promise<ReadManifest> {
  const bytes = await readBytes(driver, digest, options);
  if (bytes === undefined) return { kind: "missing" };
  if (bytes === "too large") return { kind: "opaque", reason: `it has more than ${MAX_BYTES} bytes` };
  if (digestOf(bytes, splitDigest(digest).algorithm) !== digest) {
    return { kind: "opaque", reason: "its bytes aren't those of its digest" };
  }
  try {
    return needsOf(bytes);
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return { kind: "opaque", reason: error.message };
    throw error;
  }
}

async function readBytes(
  driver: StorageDriver,
  digest: Digest,
  options?: CallOptions,
): Promise<Uint8Array | undefined | "too large"> {
  const path = blobData(digest);
  try {
    return await orUndefined(driver.read(path, { ...options, limit: MAX_BYTES }));
  } catch (error) {
    if (!isStorageError(error, "DRIVER_ERROR")) throw error;
    // A driver reports a file that is too large like a failing disk.
    const info = await orUndefined(driver.stat(path, options));
    if (info !== undefined && info.size > MAX_BYTES) return "too large";
    throw error;
  }
}

/** What the manifest `bytes` needs. Throws MANIFEST_INVALID. */
function needsOf(bytes: Uint8Array): ReadManifest {
  const mediaType = sniffMediaType(bytes);
  if (!isManifestMediaType(mediaType)) return schema1Needs(bytes) ?? { kind: "opaque", reason: `it is a ${mediaType}` };
  const manifest = parseManifest(bytes, mediaType);
  const references = referencesOf(manifest);
  return {
    kind: "read",
    references: references.map(({ descriptor }) => descriptor.digest),
    children: references.filter(({ kind }) => kind !== "blob").map(({ descriptor }) => descriptor.digest),
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
  };
}

/**
 * What a schema 1 manifest needs (its layers, by `fsLayers[].blobSum`); undefined if it isn't one. Its bytes match its digest only
 * if they were stored without the signatures; otherwise they can't be verified.
 */
export function schema1Needs(bytes: Uint8Array): ManifestNeeds | undefined {
  const object = parseJsonObject(bytes);
  const layers = member(object, "fsLayers");
  if (member(object, "schemaVersion") !== 1 || !Array.isArray(layers)) return undefined;
  const references: Digest[] = [];
  for (const layer of layers as readonly unknown[]) {
    const sum = isJsonObject(layer) ? member(layer, "blobSum") : undefined;
    if (typeof sum !== "string" || !isDigest(sum)) return undefined;
    references.push(sum);
  }
  return { kind: "read", references, children: [] };
}
