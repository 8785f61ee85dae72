import { ApiFailure } from "./failure.js";
import { send } from "./http.js";
import { repositoryPath } from "./paths.js";

/** The largest document that the page reads (bytes); others are downloaded. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** A blob as text. Throws ApiFailure if it is larger than a page should hold. */
export async function readBlob(name: string, digest: string, signal?: AbortSignal): Promise<string> {
  const response = await send(repositoryPath(name, "blobs", digest), { accept: "*/*", signal });
  if (Number(response.headers.get("content-length") ?? 0) > MOST_BYTES)
    throw new ApiFailure("unexpected", response.status, "the document is too large for the page");
  return response.text();
}

/** Where a blob is downloaded from. */
export function blobAddress(name: string, digest: string): string {
  return `./${repositoryPath(name, "blobs", digest)}`;
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
  return (await send(repositoryPath(name, "manifests", digest), { accept: MANIFESTS, signal })).text();
}
