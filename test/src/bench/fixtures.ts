import { createHash, randomBytes } from "node:crypto";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "undici";
import { blobSource, type Blob } from "./load/blobs.js";
import { pushBlob } from "./load/pushes.js";
import type { Target } from "./servers.js";

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST_SIZE = 1536;
const KIB = 1024;

/** The same content for every registry of a run. */
export interface Fixtures {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: string;
  readonly manifestDigest: string;
}

/** An image of a config and six layers of 10 KiB, with a manifest of 1.5 KiB. */
export function createFixtures(): Fixtures {
  const config = blobSource(500)();
  const layers = Array.from({ length: 6 }, blobSource(10 * KIB));
  const manifest = formatManifest(config, layers);
  return { config, layers, manifest, manifestDigest: `sha256:${createHash("sha256").update(manifest).digest("hex")}` };
}

/** Pushes the image under a tag. */
export async function pushImage(
  target: Pick<Target, "name" | "origin">,
  repository: string,
  tag: string,
  image: Fixtures,
): Promise<void> {
  const client = new Client(target.origin);
  try {
    for (const blob of [image.config, ...image.layers]) {
      await pushBlob(client, { origin: target.origin, repository, how: "monolithic" }, blob);
    }
    const response = await client.request({
      method: "PUT",
      path: `/v2/${repository}/manifests/${tag}`,
      headers: { "content-type": MANIFEST_TYPE },
      body: image.manifest,
    });
    const text = await response.body.text();
    if (response.statusCode !== 201) {
      throw new Error(`${target.name} answered ${response.statusCode} to the image's manifest: ${text}`);
    }
  } finally {
    await client.close();
  }
}

/** Writes tags `v00000`… straight to the storage, as either registry would have left them. */
export async function writeTags(target: Target, repository: string, count: number, image: Fixtures): Promise<void> {
  const tags = join(target.root, "docker/registry/v2/repositories", repository, "_manifests/tags");
  const [algorithm = "", hex = ""] = image.manifestDigest.split(":");
  for (let index = 0; index < count; index++) {
    const tag = join(tags, `v${String(index).padStart(5, "0")}`);
    for (const folder of [join(tag, "current"), join(tag, "index", algorithm, hex)]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "link"), image.manifestDigest);
    }
  }
}

/** Copies a repository's links `count` times, as repositories of 20 teams: content is shared, as by mounts. */
export async function copyRepository(target: Target, repository: string, count: number): Promise<void> {
  const repositories = join(target.root, "docker/registry/v2/repositories");
  for (let index = 0; index < count; index++) {
    const copy = join(repositories, `team-${index % 20}`, `image-${index}`);
    await cp(join(repositories, repository), copy, { recursive: true });
  }
}

function formatManifest(config: Blob, layers: readonly Blob[]): string {
  const format = (padding: string): string =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
      layers: layers.map((layer) => ({ mediaType: LAYER_TYPE, digest: layer.digest, size: layer.size })),
      annotations: { padding },
    });
  const missing = MANIFEST_SIZE - format("").length;
  return format(randomBytes(missing).toString("hex").slice(0, missing));
}
