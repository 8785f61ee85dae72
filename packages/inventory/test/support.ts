import {
  createDriver,
  openRegistry,
  parseRepositoryName,
  parseTagName,
  type Digest,
  type Registry,
  type StorageDriver,
} from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe } from "vitest";

const INDEX = "application/vnd.oci.image.index.v1+json";

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
