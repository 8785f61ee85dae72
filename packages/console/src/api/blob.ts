import { readBody } from "./body.js";
import { inRegistry, send } from "./http.js";
import { repositoryPath } from "./paths.js";

/** The largest document that the page reads (bytes); others are downloaded. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** The largest file that the page saves itself (bytes). */
export const MOST_SAVED = 256 * 1024 * 1024;

/** A blob as text. Throws ApiFailure if it has more than `most` bytes. */
export async function readBlob(name: string, digest: string, most: number, signal?: AbortSignal): Promise<string> {
  const response = await send(repositoryPath(name, "blobs", digest), { accept: "*/*", signal });
  return (await readBody(response, most)).text();
}

/** A blob to be saved. Throws ApiFailure if it has more than {@link MOST_SAVED} bytes. */
export async function fetchBlob(name: string, digest: string): Promise<Blob> {
  return readBody(await send(repositoryPath(name, "blobs", digest), { accept: "*/*" }), MOST_SAVED);
}

/** Where a blob is downloaded from. */
export function blobAddress(name: string, digest: string): string {
  return inRegistry(repositoryPath(name, "blobs", digest));
}

/** Every type of manifest, so that none is converted or refused. */
const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
  "*/*",
].join(", ");

/** A manifest as it was pushed. */
export async function readManifest(name: string, digest: string, signal?: AbortSignal): Promise<string> {
  const response = await send(repositoryPath(name, "manifests", digest), { accept: MANIFESTS, signal });
  return (await readBody(response, MOST_BYTES)).text();
}
