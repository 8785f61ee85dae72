import { createHash } from "node:crypto";
import {
  createDriver,
  openRegistry,
  parseDigest,
  parseRepositoryName,
  parseTagName,
  type Digest,
  type Registry,
  type StorageDriver,
} from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe } from "vitest";
import { openActivity } from "../src/activity/activity.js";
import { openInventory, type OpenInventory } from "../src/open-inventory.js";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const MIB = 1024 * 1024;

/** Runs `body` over a driver of each kind, a fresh one for each call of `over`. */
export function describeForDrivers(
  title: string,
  body: (over: (work: (driver: StorageDriver) => Promise<void>) => Promise<void>) => void,
): void {
  describe(`${title}, in memory`, () =>
    body(async (work) => {
      const driver = await createDriver("inmemory", {});
      await work(driver);
      await driver.close();
    }));
  describe(`${title}, in files`, () =>
    body(async (work) => {
      await using folder = await makeTemporaryFolder("inventory");
      const driver = await createDriver("filesystem", { rootdirectory: folder.path });
      await work(driver);
      await driver.close();
    }));
}

/** Pushes a manifest of which `title` is the content, and returns its digest. */
export async function push(registry: Registry, name: string, title: string, ...tags: string[]): Promise<Digest> {
  const bytes = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { title } }),
  );
  const { manifests } = registry.repository(parseRepositoryName(name));
  return (await manifests.put({ bytes, mediaType: INDEX, tags: tags.map(parseTagName) })).descriptor.digest;
}

export const plainRegistry = (driver: StorageDriver): Registry => openRegistry(driver);

export const bytesOf = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
export const digestOf = (bytes: Uint8Array): Digest =>
  parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);

/** A process of a registry. */
export function start(
  driver: StorageDriver,
  processId = "one",
  clock = (): number => 0,
  maxBytes = MIB,
): OpenInventory {
  const onUntold = (error: unknown): void => {
    throw error;
  };
  return openInventory(plainRegistry(driver), driver, {
    processId,
    activity: openActivity(driver, {
      processId,
      interval: 60_000,
      maxItems: 100,
      role: "records",
      onTrouble: onUntold,
    }),
    maxBytes,
    maxManifestBytes: MIB,
    keeps: true,
    historyDays: 10,
    onTrouble: onUntold,
    onUntold,
    clock,
  });
}

interface Image {
  readonly layers: readonly string[];
  readonly architecture?: string;
  readonly created?: string;
  readonly subject?: Digest;
  readonly artifactType?: string;
}

async function pushBlob(registry: Registry, name: string, content: unknown): Promise<{ digest: Digest; size: number }> {
  const bytes = bytesOf(content);
  const { uploads } = registry.repository(parseRepositoryName(name));
  const { uuid } = await uploads.start();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes);
  }
  await uploads.commit(uuid, digestOf(bytes), { bytes: body(), offset: 0, length: bytes.length });
  return { digest: digestOf(bytes), size: bytes.length };
}

/** Pushes an image of such layers, and returns its digest and size. */
export async function pushImage(registry: Registry, name: string, image: Image, ...tags: string[]) {
  const { layers, architecture = "amd64", created = "2026-01-01T00:00:00Z", subject, artifactType } = image;
  const config = await pushBlob(registry, name, { os: "linux", architecture, created });
  const parts: { digest: Digest; size: number }[] = [];
  for (const layer of layers) parts.push(await pushBlob(registry, name, layer));
  const bytes = bytesOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: { mediaType: CONFIG, ...config },
    layers: parts.map((part) => ({ mediaType: "application/octet-stream", ...part })),
    ...(subject === undefined ? {} : { subject: { mediaType: MANIFEST, digest: subject, size: 1 } }),
  });
  const { manifests } = registry.repository(parseRepositoryName(name));
  const { descriptor } = await manifests.put({ bytes, mediaType: MANIFEST, tags: tags.map(parseTagName) });
  const size = bytes.length + config.size + parts.reduce((sum, part) => sum + part.size, 0);
  return { digest: descriptor.digest, bytes: bytes.length, config: config.size, size };
}
