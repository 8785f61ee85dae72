import { MIB } from "@longshore/base/size";
import { digestAt } from "../layout/parse.js";
import { BLOBS_DIRECTORY, blobData, blobDirectory, blobsBucket } from "../layout/paths.js";
import { isStorageError } from "../errors.js";
import { DIGEST_ALGORITHMS, isDigest, type Digest, type DigestAlgorithm } from "../model/digest.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { DigestSet } from "./digest-set.js";
import { schema1Needs } from "./read-manifest.js";
import { bucketFile, BUCKETS, type Run } from "./run-state.js";

/** No schema 1 manifest of registry 2.1, which linked them only among the layers, is larger. */
const MAX_OLD_MANIFEST = MIB;
const BRACE = "{".charCodeAt(0);

/** The digests in a work file. */
export async function readDigests(run: Run, file: string): Promise<DigestSet> {
  const digests = new DigestSet();
  for await (const line of run.work.lines(file)) {
    const [digest = ""] = line.split(" ");
    if (isDigest(digest)) digests.add(digest);
  }
  return digests;
}

/** Follows Distribution's links from a sha512 that is used to the bytes under a sha256. */
export async function markAliases(run: Run): Promise<void> {
  for await (const line of run.work.lines("aliases")) {
    const [digest = "", target = ""] = line.split(" ");
    if (!isDigest(digest) || !isDigest(target)) continue;
    const marks = await readDigests(run, bucketFile("marks", digest.slice(digest.indexOf(":") + 1).slice(0, 2)));
    if (marks.has(digest)) run.mark(target);
  }
  await run.work.flush();
}

/**
 * Records every blob that nothing refers to and whose lease has expired, and counts the blobs in use. Old manifests that are only
 * linked as layers are in use, and so are their layers.
 */
export async function lookAtBlobs(run: Run): Promise<void> {
  const { report, work } = run;
  let marked = 0;
  const late = new DigestSet();
  const directories = await bucketDirectories(run);
  for (const [index, bucket] of BUCKETS.entries()) {
    run.signal?.throwIfAborted();
    report.progress({ phase: "look", done: index, total: BUCKETS.length, freedBytes: 0 });
    const marks = await readDigests(run, bucketFile("marks", bucket));
    marked += marks.size;
    await work.drop(bucketFile("candidates", bucket));
    const own = directories.filter((each) => each.bucket === bucket);
    for await (const digests of unmarkedBlobs(own, marks, run)) {
      await mapConcurrently(digests, run.concurrency, (digest) => lookAt(digest, bucket, late, run));
    }
    await work.flush();
  }
  report.counts.marked = marked + (await takeBackLate(late, run));
}

async function* unmarkedBlobs(
  directories: readonly BucketDirectory[],
  marks: DigestSet,
  { store, call }: Run,
): AsyncGenerator<readonly Digest[], void, undefined> {
  for (const { algorithm, bucket } of directories) {
    for await (const names of listBatches(store, blobsBucket(algorithm, bucket), undefined, undefined, call)) {
      const digests = names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
      yield digests.filter((digest) => !marks.has(digest));
    }
  }
}

interface BucketDirectory {
  readonly algorithm: DigestAlgorithm;
  readonly bucket: string;
}

/** Where there are blobs. */
async function bucketDirectories({ store, call }: Run): Promise<readonly BucketDirectory[]> {
  const found: BucketDirectory[] = [];
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const names of listBatches(store, `${BLOBS_DIRECTORY}/${algorithm}`, undefined, undefined, call)) {
      for (const bucket of names) found.push({ algorithm, bucket });
    }
  }
  return found;
}

async function lookAt(digest: Digest, bucket: string, late: DigestSet, run: Run): Promise<void> {
  const { store, call, report, work, hiding } = run;
  const info = await orUndefined(store.stat(blobData(digest), { ...call, fileOnly: true }));
  if (info === undefined && run.options.dryRun !== true) {
    await hiding.abandon(blobData(digest));
    await hiding.tidy(blobDirectory(digest));
  }
  if (info === undefined || info.isDirectory) return;
  if (info.modified.getTime() >= run.cutoff || (await hiding.renewedAt(blobData(digest))) >= run.cutoff) {
    report.counts.young += 1;
    report.counts.youngBytes += info.size;
    return;
  }
  const references = info.size <= MAX_OLD_MANIFEST ? await oldManifest(digest, run) : undefined;
  if (references === undefined) {
    work.append(bucketFile("candidates", bucket), `${digest} ${info.size}`);
    return;
  }
  for (const each of [digest, ...references]) if (late.add(each)) work.append("late", each);
}

/** What the blob needs, if it is a schema 1 manifest: registry 2.1 linked those among the layers alone (wire contract §5). */
async function oldManifest(digest: Digest, run: Run): Promise<readonly Digest[] | undefined> {
  const bytes = await orUndefined(run.store.read(blobData(digest), { ...run.call, limit: MAX_OLD_MANIFEST }));
  if (bytes?.[0] !== BRACE) return undefined;
  try {
    return schema1Needs(bytes)?.references;
  } catch (error) {
    if (isStorageError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}

/** Removes blobs that turned out to be in use from the lists; returns how many. */
async function takeBackLate(late: DigestSet, run: Run): Promise<number> {
  if (late.size === 0) return 0;
  let marked = 0;
  for await (const line of run.work.lines("late")) if (isDigest(line) && run.mark(line)) marked += 1;
  await run.work.flush();
  for (const bucket of BUCKETS) {
    const kept: string[] = [];
    for await (const line of run.work.lines(bucketFile("candidates", bucket))) {
      const [digest = ""] = line.split(" ");
      if (isDigest(digest) && !late.has(digest)) kept.push(line);
    }
    await run.work.drop(bucketFile("candidates", bucket));
    for (const line of kept) run.work.append(bucketFile("candidates", bucket), line);
  }
  await run.work.flush();
  return marked;
}

/** How many blobs are to be removed, for each bucket that has some. */
export async function countCandidates(run: Run): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const bucket of BUCKETS) {
    let count = 0;
    for await (const line of run.work.lines(bucketFile("candidates", bucket))) if (line !== "") count += 1;
    if (count > 0) counts.set(bucket, count);
  }
  return counts;
}
