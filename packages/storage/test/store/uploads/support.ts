import { createHash } from "node:crypto";
import { expect } from "vitest";
import { startStandIn } from "@longshore/testkit/s3/server";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { UploadBody } from "../../../src/contract/upload-store.js";
import { createFilesystemDriver } from "../../../src/drivers/filesystem/driver.js";
import { createInMemoryDriver } from "../../../src/drivers/inmemory/driver.js";
import { createS3Driver } from "../../../src/drivers/s3/driver.js";
import { blobData } from "../../../src/layout/paths.js";
import { parseDigest, type Digest, type DigestAlgorithm } from "../../../src/model/digest.js";
import { parseRepositoryName } from "../../../src/model/repository-name.js";
import { createInMemoryObjectStorage, type ObjectStorageOptions } from "../../drivers/in-memory-object-storage.js";
import { optionsFor } from "../../drivers/s3-subject.js";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { collectBytes } from "@longshore/testkit/streams";

export const NAME = parseRepositoryName("some/repository");
export const OTHER = parseRepositoryName("other");

/** Hashed without the code under test. */
export function digestBy(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
}

/** A body of these chunks, each copied, since a writer takes ownership. */
export function bodyOf(...chunks: Uint8Array[]): UploadBody {
  return { bytes: iterate(chunks) };
}

async function* iterate(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk.slice());
}

/** A body whose chunks arrive when the test says so. */
export interface HeldBody {
  readonly body: UploadBody;
  /** Passes on a chunk; resolves when the next one is requested, that is, when this one has been processed. */
  send(chunk: Uint8Array): Promise<void>;
  end(): void;
  fail(error: Error): void;
}

/** A body that waits. */
export function heldBody(options: { offset?: number; length?: number } = {}): HeldBody {
  type Step = { readonly chunk: Uint8Array } | { readonly error: Error } | "end";
  const steps: Step[] = [];
  let wake = (): void => undefined;
  let asked = (): void => undefined;
  let waiting = false;
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    waiting = true;
    asked();
    while (steps.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    waiting = false;
    const step = steps.shift();
    if (step === undefined || step === "end") return { done: true, value: undefined };
    if ("error" in step) throw step.error;
    return { done: false, value: step.chunk };
  };
  const push = (step: Step): void => {
    steps.push(step);
    wake();
  };
  const whenAsked = async (): Promise<void> => {
    while (!waiting || steps.length > 0) {
      await new Promise<void>((resolve) => {
        asked = resolve;
      });
    }
  };
  return {
    body: { bytes: { [Symbol.asyncIterator]: () => ({ next }) }, ...options },
    send: async (chunk) => {
      await whenAsked();
      push({ chunk: chunk.slice() });
      await whenAsked();
    },
    end: () => push("end"),
    fail: (error) => push({ error }),
  };
}

/** Expects these bytes to be stored under `digest`. */
export async function expectBlob(driver: StorageDriver, digest: Digest, bytes: Uint8Array): Promise<void> {
  const stored = await collectBytes(await driver.open(blobData(digest)));
  expect(stored.length).toBe(bytes.length);
  expect(Buffer.compare(stored, bytes)).toBe(0);
}

/** Waits until `check` holds, checking again after everything that is ready has run. The test's own timeout bounds it. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setImmediate(resolve));
}

/** `driver`, with `told` called at the start of each call with its name and paths. */
export function watching(
  driver: StorageDriver,
  told: (call: string, ...paths: readonly string[]) => unknown,
): StorageDriver {
  return new Proxy(driver, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]): unknown => {
        told(String(property), ...args.filter((argument) => typeof argument === "string"));
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** A driver for a test, with its cleanup. */
export interface TestStorage {
  readonly driver: StorageDriver;
  /** Another driver over the same storage, as in another process. */
  readonly another: () => StorageDriver;
  readonly destroy: () => Promise<void>;
}

/** Object storage in memory, with limits small enough for tests. */
export function objectStorage(options: ObjectStorageOptions = {}): TestStorage {
  const limits = { smallestPart: 64 * 1024, partSize: 100 * 1024, largestWrite: 1024 * 1024 };
  const { driver } = createInMemoryObjectStorage({ ...limits, ...options });
  return { driver, another: () => driver, destroy: () => driver.close() };
}

export const OBJECT_STORAGES: typeof STORAGES = [
  ["object storage", () => Promise.resolve(objectStorage())],
  ["object storage without conditional writes", () => Promise.resolve(objectStorage({ conditionalWrites: false }))],
];

/** The S3 driver over its own server, with the smallest parts that S3 allows. */
export const S3_STORAGES: typeof STORAGES = [
  [
    "s3",
    async () => {
      const server = await startStandIn();
      const options = await optionsFor(server, { chunksize: 5 * 1024 * 1024 });
      const drivers: StorageDriver[] = [];
      const another = (): StorageDriver => {
        const made = createS3Driver(options);
        drivers.push(made);
        return made;
      };
      const destroy = async (): Promise<void> => {
        await Promise.all(drivers.map((one) => one.close()));
        await server.stop();
      };
      return { driver: another(), another, destroy };
    },
  ],
];

/** Storages where files are renamed and appended to. */
export const STORAGES: readonly (readonly [string, () => Promise<TestStorage>])[] = [
  [
    "inmemory",
    () => {
      const driver = createInMemoryDriver();
      return Promise.resolve({ driver, another: () => driver, destroy: () => driver.close() });
    },
  ],
  [
    "filesystem",
    async () => {
      const directory = await makeTemporaryFolder("uploads");
      const drivers: StorageDriver[] = [];
      const another = (): StorageDriver => {
        const made = createFilesystemDriver({ rootdirectory: directory.path, buffersize: 64 * 1024 });
        drivers.push(made);
        return made;
      };
      const destroy = async (): Promise<void> => {
        await Promise.all(drivers.map((one) => one.close()));
        await directory.remove();
      };
      return { driver: another(), another, destroy };
    },
  ],
];
