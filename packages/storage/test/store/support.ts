import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe } from "vitest";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import * as paths from "../../src/layout/paths.js";
import type { Descriptor } from "../../src/model/descriptor.js";
import { digestOf, parseDigest, type Digest, type DigestAlgorithm } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { parseRepositoryName, type RepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";

export const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

export const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** Runs `body` for each kind of driver, with a fresh one for each test. */
export function describeForDrivers(title: string, body: (open: () => Promise<StorageDriver>) => void): void {
  const openers: Record<string, () => Promise<{ driver: StorageDriver; root?: string }>> = {
    inmemory: () => Promise.resolve({ driver: createInMemoryDriver() }),
    filesystem: async () => {
      const root = await mkdtemp(join(tmpdir(), "longshore-store-"));
      return { driver: createFilesystemDriver({ rootdirectory: root }), root };
    },
  };
  describe.each(Object.entries(openers))(`${title} over %s`, (_kind, opener) => {
    const opened: { driver: StorageDriver; root?: string }[] = [];
    afterEach(async () => {
      for (const { driver, root } of opened.splice(0)) {
        await driver.close();
        if (root !== undefined) await rm(root, { recursive: true });
      }
    });
    body(async () => {
      const one = await opener();
      opened.push(one);
      return one.driver;
    });
  });
}

/** Writes what Distribution writes for a blob. */
export async function putBlob(
  driver: StorageDriver,
  name: RepositoryName,
  content: string,
  algorithm: DigestAlgorithm = "sha256",
): Promise<Digest> {
  const digest = digestOf(encode(content), algorithm);
  await driver.write(paths.blobData(digest), encode(content));
  await driver.write(paths.layerLink(name, digest), encode(digest));
  return digest;
}

/** Writes what Distribution writes for a manifest, and for its tags. */
export async function putOriginal(
  driver: StorageDriver,
  name: RepositoryName,
  body: unknown,
  ...tags: readonly string[]
): Promise<Digest> {
  const digest = digestOf(encode(body));
  await driver.write(paths.blobData(digest), encode(body));
  await driver.write(paths.revisionLink(name, digest), encode(digest));
  for (const tag of tags.map(parseTagName)) {
    await driver.write(paths.tagIndexLink(name, tag, digest), encode(digest));
    await driver.write(paths.tagCurrentLink(name, tag), encode(digest));
  }
  return digest;
}

/** Removes a manifest as Distribution does: the empty directory stays. */
export async function deleteAsOriginal(driver: StorageDriver, name: RepositoryName, digest: Digest): Promise<void> {
  await driver.delete(paths.revisionLink(name, digest));
}

export function descriptorOf(content: unknown, mediaType: string): Descriptor {
  const bytes = encode(content);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** An OCI image of one layer, whose blobs contain `config` and `layer`. */
export function imageOf({ config = "config", layer = "layer", ...rest }: Record<string, unknown> = {}) {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, CONFIG),
    layers: [descriptorOf(layer, LAYER)],
    ...rest,
  };
}

export const repository = parseRepositoryName;
export const tag = parseTagName;
export const someDigest = (hex: string): Digest => parseDigest(`sha256:${hex.repeat(64).slice(0, 64)}`);

/** What `work` throws; undefined if it doesn't throw. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A driver that calls `before` ahead of each call, and fails with the error that this returns, if any. */
export function refusing(
  driver: StorageDriver,
  before: (operation: string, path: string) => Error | undefined | Promise<undefined>,
): StorageDriver {
  return new Proxy(driver, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const error = await before(String(property), String(args[0]));
        if (error !== undefined) throw error;
        const result: unknown = Reflect.apply(member, target, args);
        return result;
      };
    },
  });
}

/** A request that was begun. */
export interface Begun {
  readonly end: Promise<unknown>;
  /** Resolves when the request ends, or when it waits for another one by looking at a tag again and again. */
  readonly either: Promise<unknown>;
}

/** Begins `work`, which may have to wait for a removal of a tag that the caller holds up. */
export function endOrWait(driver: StorageDriver, work: (driver: StorageDriver) => Promise<unknown>): Begun {
  let looks = 0;
  let wake = (): void => undefined;
  const waits = new Promise<void>((resolve) => (wake = resolve));
  const watched = refusing(driver, (operation) => {
    if (operation === "readVersioned") looks += 1;
    if (looks > 8) wake();
    return undefined;
  });
  const end = work(watched);
  return { end, either: Promise.race([end, waits]) };
}
