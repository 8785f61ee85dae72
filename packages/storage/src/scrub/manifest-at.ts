import { MIB } from "@longshore/base/size";
import type { StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { blobData } from "../layout/paths.js";
import { digestOf, splitDigest, type Digest } from "../model/digest.js";
import type { Manifest } from "../model/manifest/manifest.js";
import { parseManifest } from "../model/manifest/parse.js";
import { sniffMediaType } from "../model/manifest/sniff.js";
import { isManifestMediaType } from "../model/media-types.js";
import { orUndefined } from "../store/shared/links.js";

/** No registry accepts larger manifests, whatever limit is configured. */
const MAX_BYTES = 16 * MIB;

/** The manifest `digest`; undefined if its bytes are missing, damaged, or no manifest that can be pushed today. */
export async function manifestAt(
  driver: StorageDriver,
  digest: Digest,
): Promise<(Manifest & { readonly size: number }) | undefined> {
  try {
    const bytes = await orUndefined(driver.read(blobData(digest), { limit: MAX_BYTES }));
    if (bytes === undefined || digestOf(bytes, splitDigest(digest).algorithm) !== digest) return undefined;
    const mediaType = sniffMediaType(bytes);
    return isManifestMediaType(mediaType) ? { ...parseManifest(bytes, mediaType), size: bytes.length } : undefined;
  } catch (error) {
    // Unreadable bytes are found among the blobs.
    if (isStorageError(error, "MANIFEST_INVALID") || isStorageError(error, "DRIVER_ERROR")) return undefined;
    throw error;
  }
}
