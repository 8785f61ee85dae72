import { MIB } from "@longshore/base/size";
import { setTimeout as delay } from "node:timers/promises";
import { canTouch, type FileInfo, type StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { schema1Needs } from "../gc/read-manifest.js";
import { digestAt } from "../layout/parse.js";
import { blobData, blobsBucket, BLOBS_DIRECTORY } from "../layout/paths.js";
import { createDigester, DIGEST_ALGORITHMS, splitDigest, type Digest } from "../model/digest.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { hasBytes } from "./links.js";
import { quarantineBlob } from "./quarantine.js";
import type { Scrub } from "./run.js";

/** How many times a blob that changes while it is read is read again. */
const ATTEMPTS = 4;

/** How many names are listed at a time. */
const BATCH = 256;
const MAX_OLD_MANIFEST = 4 * MIB;
const BUCKETS = 256;

/** Reads all blobs, from the bucket after `after` on. */
export async function scrubBlobs(scrub: Scrub, after: string): Promise<void> {
  for (const [index, algorithm] of DIGEST_ALGORITHMS.entries()) {
    for await (const prefixes of listBatches(scrub.driver, `${BLOBS_DIRECTORY}/${algorithm}`, undefined)) {
      for (const prefix of prefixes.filter((each) => /^[a-f0-9]{2}$/.test(each))) {
        const bucket = `${algorithm}/${prefix}`;
        if (bucket <= after) continue;
        await scrubBucket(scrub, algorithm, prefix, index);
        await scrub.reached({ phase: "blobs", after: bucket });
      }
    }
  }
}

async function scrubBucket(
  scrub: Scrub,
  algorithm: (typeof DIGEST_ALGORITHMS)[number],
  prefix: string,
  index: number,
): Promise<void> {
  const { driver, options, counts } = scrub;
  // Nearly all blobs are of the first algorithm.
  const fraction = index === 0 ? Number.parseInt(prefix, 16) / BUCKETS : 1;
  for await (const names of listBatches(driver, blobsBucket(algorithm, prefix), undefined, BATCH)) {
    const digests = names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
    await mapConcurrently(digests, options.concurrency ?? 2, async (digest) => {
      options.signal?.throwIfAborted();
      const size = await scrubBlob(scrub, digest);
      if (size === undefined) return;
      counts.blobs += 1;
      counts.bytes += size;
      scrub.progress("blobs", fraction);
    });
  }
}

/** What reading a blob shows. */
type Reading =
  | { readonly kind: "sound" | "damaged"; readonly size: number; readonly info: FileInfo }
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Checks one blob, and returns its size; undefined if it is gone. */
async function scrubBlob(scrub: Scrub, digest: Digest): Promise<number | undefined> {
  const { driver, options, report } = scrub;
  let last: Reading = { kind: "missing" };
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const reading = await readBlob(scrub, digest);
    if (reading.kind === "missing") return undefined;
    if (reading.kind === "sound") return reading.size;
    // The same twice: it isn't one that is being replaced, or a disk that failed once.
    if (isSame(last, reading)) {
      if (reading.kind === "unreadable") {
        report({
          kind: "blob-unreadable",
          damage: true,
          digest,
          message: `blob ${digest} can't be read: ${reading.reason}`,
        });
        return 0;
      }
      if (await isOldManifest(driver, digest, reading.size)) return reading.size;
      const action = options.quarantine === true && (await quarantineBlob(scrub, digest, reading.info));
      const next = action
        ? "it was moved aside; push it again"
        : "push it again, after --quarantine has moved it aside";
      const message = `blob ${digest} has other bytes (${reading.size} of them) than its digest says; ${next}`;
      report({ kind: "blob-damaged", damage: true, digest, message, ...(action ? { action: "quarantined" } : {}) });
      return reading.size;
    }
    last = reading;
    await delay(tries === 0 ? 0 : (options.patience ?? 1000), undefined, { signal: options.signal });
  }
  // It changed each time: somebody is writing it.
  return undefined;
}

function isSame(one: Reading, other: Reading): boolean {
  if (one.kind === "unreadable" || other.kind === "unreadable") return one.kind === other.kind;
  if (one.kind !== "damaged" || other.kind !== "damaged") return false;
  const [before, now] = [one.info, other.info];
  return (
    one.size === other.size && before.modified.getTime() === now.modified.getTime() && before.version === now.version
  );
}

async function readBlob({ driver, pace, options }: Scrub, digest: Digest): Promise<Reading> {
  const path = blobData(digest);
  try {
    const info = await orUndefined(driver.stat(path, { fileOnly: true }));
    if (info === undefined || info.isDirectory) return { kind: "missing" };
    // What a quarantine leaves over object storage; what needs the blob is reported for lacking it.
    if (info.size === 0 && !canTouch(driver) && !(await hasBytes(driver, digest))) return { kind: "missing" };
    const stream = await orUndefined(driver.open(path, { signal: options.signal }));
    if (stream === undefined) return { kind: "missing" };
    const digester = createDigester(splitDigest(digest).algorithm);
    let size = 0;
    try {
      for await (const chunk of stream) {
        digester.update(chunk);
        size += chunk.length;
        await pace.take(chunk.length);
      }
    } finally {
      await stream.close();
    }
    return { kind: digester.current() === digest ? "sound" : "damaged", size, info };
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return { kind: "missing" };
    if (isStorageError(error, "DRIVER_ERROR")) return { kind: "unreadable", reason: error.message };
    throw error;
  }
}

/** Whether it is a manifest of schema 1, whose digest is that of another form of it (wire contract §5). */
async function isOldManifest(driver: StorageDriver, digest: Digest, size: number): Promise<boolean> {
  if (size > MAX_OLD_MANIFEST) return false;
  const bytes = await orUndefined(driver.read(blobData(digest), { limit: MAX_OLD_MANIFEST }));
  if (bytes === undefined) return false;
  try {
    return schema1Needs(bytes) !== undefined;
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return false;
    throw error;
  }
}
