import { blobData, blobDirectory, layerDirectory, layerLink } from "../layout/paths.js";
import { isDigest, type Digest } from "../model/digest.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { blobLinkName } from "../store/shared/link-names.js";
import { orUndefined, readSoundLink } from "../store/shared/links.js";
import { condemn } from "./file-hiding.js";
import { readDigests } from "./look.js";
import { bucketFile, type Run } from "./run-state.js";

/** How many lines of a work file are processed concurrently. */
const BATCH = 256;

/** Removes the recorded blobs of one bucket, unless a push relies on them since. */
export async function sweepBucket(bucket: string, run: Run, total: number): Promise<void> {
  const { work, report } = run;
  for await (const lines of batches(work.lines(bucketFile("candidates", bucket)))) {
    await mapConcurrently(lines, run.concurrency, async (line) => {
      run.signal?.throwIfAborted();
      const [digest = "", size = "0"] = line.split(" ");
      if (isDigest(digest)) await sweepBlob(digest, Number(size), bucket, run);
    });
    const { removedBlobs: done, freedBytes } = report.counts;
    report.progress({ phase: "sweep", done, total, freedBytes });
  }
  await work.flush();
}

async function sweepBlob(digest: Digest, size: number, bucket: string, run: Run): Promise<void> {
  const { hiding, report, work } = run;
  report.line(`blob eligible for deletion: ${digest}`);
  if (run.options.dryRun === true) {
    work.append(bucketFile("gone", bucket), digest);
    return;
  }
  const verdict = await condemn(hiding, blobData(digest), (lease) => lease < run.cutoff, run.signal);
  if (verdict === "kept") return;
  run.options.caches?.descriptors.delete(digest);
  work.append(bucketFile("gone", bucket), digest);
  await hiding.tidy(blobDirectory(digest));
  if (verdict !== "removed") return;
  report.removed(`Deleting blob: ${blobDirectory(digest)}`);
  report.counts.removedBlobs += 1;
  report.counts.freedBytes += size;
}

/** Removes the layer links of one bucket whose bytes were unused and have been removed. */
export async function sweepLinks(bucket: string, run: Run): Promise<void> {
  const marks = await readDigests(run, bucketFile("marks", bucket));
  const gone = await readDigests(run, bucketFile("gone", bucket));
  for await (const lines of batches(run.work.lines(bucketFile("links", bucket)))) {
    await mapConcurrently(lines, run.concurrency, async (line) => {
      run.signal?.throwIfAborted();
      const [digest = "", name = ""] = line.split(" ");
      if (!isDigest(digest) || !isRepositoryName(name) || marks.has(digest)) return;
      if (gone.has(digest) || (await isAbsent(digest, run))) await sweepLink(name, digest, run);
    });
  }
}

async function sweepLink(name: RepositoryName, digest: Digest, run: Run): Promise<void> {
  const { hiding, report } = run;
  const path = layerLink(name, digest);
  const info = await orUndefined(run.store.stat(path, { ...run.call, fileOnly: true }));
  if (info === undefined || info.modified.getTime() >= run.cutoff) return;
  // Distribution's link under a sha512 leads to the bytes under a sha256.
  const target = (await readSoundLink(run.store, path, run.call)) ?? digest;
  if (target !== digest && !(await isAbsent(target, run))) return;
  report.line(`${name}: layer link eligible for deletion: ${digest}`);
  if (run.options.dryRun === true) return;
  // A push proves the bytes before it looks for the link: while the bytes are missing, nothing relies on this one.
  const isUnwanted = async (lease: number): Promise<boolean> => lease < run.cutoff && (await isAbsent(target, run));
  const remove = () => condemn(hiding, path, isUnwanted, run.signal);
  const verdict = await run.links.changing([blobLinkName(name, digest)], remove);
  if (verdict !== "removed") return;
  await hiding.tidy(layerDirectory(name, digest));
  report.removed(`Deleting layer link path: ${path}`);
  report.counts.removedLinks += 1;
}

async function isAbsent(digest: Digest, { store }: Run): Promise<boolean> {
  return (await orUndefined(store.stat(blobData(digest), { fileOnly: true }))) === undefined;
}

async function* batches(lines: AsyncIterable<string>): AsyncGenerator<readonly string[], void, undefined> {
  let batch: string[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
