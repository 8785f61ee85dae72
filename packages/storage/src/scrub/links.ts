import { KIB } from "@longshore/base/size";
import type { StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { blobData } from "../layout/paths.js";
import { digestOf, splitDigest, type Digest } from "../model/digest.js";
import { orUndefined, readLink } from "../store/shared/links.js";

/** What a link file is found to be. */
export type FoundLink =
  | { readonly kind: "missing" }
  /** Empty, cut off, or filled with NULs. */
  | { readonly kind: "torn" }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "link"; readonly target: Digest };

export async function lookAtLink(driver: StorageDriver, path: string): Promise<FoundLink> {
  try {
    const target = await readLink(driver, path);
    if (target !== undefined) return { kind: "link", target };
    const there = await orUndefined(driver.read(path, { limit: KIB }));
    return { kind: there === undefined ? "missing" : "torn" };
  } catch (error) {
    if (!isStorageError(error, "DRIVER_ERROR")) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    return { kind: "unreadable", reason };
  }
}

/** Whether the bytes of `digest` exist; an empty file counts only for the digest of nothing. */
export async function hasBytes(driver: StorageDriver, digest: Digest): Promise<boolean> {
  const info = await orUndefined(driver.stat(blobData(digest), { fileOnly: true }));
  if (info === undefined || info.isDirectory) return false;
  return info.size > 0 || digestOf(new Uint8Array(0), splitDigest(digest).algorithm) === digest;
}
