import { describe } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { indexOf } from "@longshore/testkit/fixtures";
import type { StorageDriver } from "../../src/contract/driver.js";
import { collectGarbage } from "../../src/gc/collect.js";
import type { CollectOptions, CollectResult } from "../../src/gc/options.js";
import * as paths from "../../src/layout/paths.js";
import type { Digest } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import type { RepositoryName } from "../../src/model/repository-name.js";
import { orUndefined } from "../../src/store/shared/links.js";
import type { Registry } from "../../src/contract/registry.js";
import { openRegistry, type RegistryOptions } from "../../src/store/open-registry.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import { CONFIG, describeForDrivers, LAYER } from "../store/support.js";

/** What a collection did and reported. */
export interface Collected {
  readonly result: CollectResult;
  readonly lines: readonly string[];
  readonly problems: readonly string[];
  readonly removed: readonly string[];
}

/** Runs `body` with real files, and with object storage with and without conditional writes. */
export function describeForStorages(title: string, body: (open: () => Promise<StorageDriver>) => void): void {
  describeForDrivers(title, body);
  describe.each([true, false])(`${title} over object storage, conditional writes: %s`, (conditionalWrites) => {
    body(() => Promise.resolve(createInMemoryObjectStorage({ conditionalWrites }).driver));
  });
}

/** A registry that checks for collectors at each step, since they don't wait for it here. */
export function registryOver(driver: StorageDriver, leases: RegistryOptions["leases"] = {}): Registry {
  return openRegistry(driver, { leases: { collectorSeenFor: 0, ...leases } });
}

/** A negative age (ms): even what was written just now is old, whatever the clock's resolution. */
export const AT_ONCE = -60_000;

/** Collects over `driver`; what was just written counts as old unless stated. */
export async function collect(driver: StorageDriver, options: Partial<CollectOptions> = {}): Promise<Collected> {
  const work = await mkdtemp(join(tmpdir(), "longshore-gc-"));
  const lines: string[] = [];
  const problems: string[] = [];
  const removed: string[] = [];
  try {
    const result = await collectGarbage(driver, {
      grace: AT_ONCE,
      workDirectory: work,
      lockWait: 0,
      observer: {
        line: (text) => lines.push(text),
        problem: (text) => problems.push(text),
        removed: (what) => removed.push(what),
      },
      ...options,
    });
    return { result, lines, problems, removed };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export const UNTAGGED = { deleteUntagged: { age: AT_ONCE } };

export function imageOf(config: Digest, layers: readonly Digest[], extra: object = {}): unknown {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: CONFIG, digest: config, size: 1 },
    layers: layers.map((digest) => ({ mediaType: LAYER, digest, size: 1 })),
    ...extra,
  };
}

/** An index of images by their digests. */
export function indexOfImages(children: readonly Digest[], extra: object = {}): object {
  return indexOf(
    children.map((digest) => ({ mediaType: OCI_MANIFEST, digest, size: 1 })),
    extra,
  );
}

/** An index of layers and their description, as BuildKit exports its cache. */
export function cacheIndexOf(layers: readonly Digest[], description: Digest): unknown {
  const manifests = [
    ...layers.map((digest) => ({ mediaType: LAYER, digest, size: 1 })),
    { mediaType: "application/vnd.buildkit.cacheconfig.v0", digest: description, size: 1 },
  ];
  return indexOf(manifests);
}

/** Whether the bytes of `digest` exist. */
export async function hasBytes(driver: StorageDriver, digest: Digest): Promise<boolean> {
  return (await orUndefined(driver.stat(paths.blobData(digest)))) !== undefined;
}

export async function hasLayerLink(driver: StorageDriver, name: RepositoryName, digest: Digest): Promise<boolean> {
  return (await orUndefined(driver.stat(paths.layerLink(name, digest)))) !== undefined;
}

export async function hasRevision(driver: StorageDriver, name: RepositoryName, digest: Digest): Promise<boolean> {
  return (await orUndefined(driver.stat(paths.revisionLink(name, digest)))) !== undefined;
}
