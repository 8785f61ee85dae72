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
const REPOSITORIES = "docker/registry/v2/repositories";

/** The same content for every registry of a run. */
export interface Fixtures {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: string;
  readonly manifestDigest: string;
}

/** An image of a config and layers: six of 10 KiB, with a manifest of 1.5 KiB, unless more or larger ones are wanted. `size` is in bytes. */
export function createFixtures({ layers: count = 6, size = 10 * KIB } = {}): Fixtures {
  const config = blobSource(500)();
  const layers = Array.from({ length: count }, blobSource(size));
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
  const tags = join(target.root, REPOSITORIES, repository, "_manifests/tags");
  await severalTimes(count, (index) => writeTag(join(tags, `v${String(index).padStart(5, "0")}`), image));
}

async function writeTag(folder: string, { manifestDigest }: Fixtures): Promise<void> {
  await writeLink(join(folder, "current"), manifestDigest);
  await writeLink(join(folder, "index", ...manifestDigest.split(":")), manifestDigest);
}

async function writeLink(folder: string, digest: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "link"), digest);
}

/** Copies a repository's links `count` times, as repositories of 20 teams: content is shared, as by mounts. */
export async function copyRepository(target: Target, repository: string, count: number): Promise<void> {
  const repositories = join(target.root, REPOSITORIES);
  await severalTimes(count, async (index) => {
    const copy = join(repositories, `team-${index % 20}`, `image-${index}`);
    await cp(join(repositories, repository), copy, { recursive: true });
  });
}

/** Writes `count` repositories of 20 teams that hold the image's manifest under one tag, without its layers' links. */
export async function writeRepositories(target: Target, count: number, image: Fixtures): Promise<void> {
  await severalTimes(count, async (index) => {
    const folder = join(target.root, REPOSITORIES, `team-${index % 20}`, `image-${index}`);
    await mkdir(join(folder, "_layers"), { recursive: true });
    await writeLink(join(folder, "_manifests/revisions", ...image.manifestDigest.split(":")), image.manifestDigest);
    await writeTag(join(folder, "_manifests/tags/latest"), image);
  });
}

/** Several at a time, so that 50,000 tags take seconds and not minutes. */
async function severalTimes(count: number, act: (index: number) => Promise<void>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const index of indexes) await act(index);
    }),
  );
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
  const missing = Math.max(0, MANIFEST_SIZE - format("").length);
  return format(randomBytes(missing).toString("hex").slice(0, missing));
}
