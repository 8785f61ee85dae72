import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { blobData, layerLink } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { allEnded } from "./concurrent.js";
import type { Leases } from "./leases.js";
import { orUndefined, writeLink } from "./links.js";

/** Verified bytes that are about to become a blob of the repository `name`. */
export interface NewBlob {
  readonly name: RepositoryName;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Where blobs are, and what holds on to them. */
export interface BlobPlace {
  readonly driver: StorageDriver;
  readonly leases: Pick<Leases, "rely">;
}

/** Puts a new blob's bytes, durable, to the path that it is given. */
export type BringBytes = (path: string) => Promise<void>;

/**
 * Makes it the blob, and links it. Bytes and link become durable side by side: a link whose bytes a power loss takes leads
 * nowhere, which is what `stat` says then, and nobody has been told otherwise. `bring` is called unless the bytes are there
 * already; with `isMissing` that was looked up before.
 */
export async function becomeBlob(
  place: BlobPlace,
  blob: NewBlob,
  bring: BringBytes,
  options?: CallOptions & { readonly isMissing?: boolean },
): Promise<void> {
  const { driver } = place;
  const { name, digest } = blob;
  const store = async (): Promise<void> => {
    if (options?.isMissing !== true && (await isStored(place, blob, options))) return;
    await bring(blobData(digest));
  };
  await allEnded([store(), writeLink(driver, layerLink(name, digest), digest, options)]);
}

/**
 * Whether the bytes are there in the right size; made durable, since another process may have put them there an instant ago.
 * Of another size is what a crash of the original left (contract §5): that is replaced.
 */
export async function isStored(
  { driver, leases }: BlobPlace,
  { digest, size }: Pick<NewBlob, "digest" | "size">,
  options?: CallOptions,
): Promise<boolean> {
  const there = await orUndefined(driver.stat(blobData(digest), { ...options, durable: true, fileOnly: true }));
  if (there?.size !== size || there.isDirectory) return false;
  // A collector may be about to take them: then they are brought again.
  return leases.rely(blobData(digest), there.modified, options);
}
