import { HOUR } from "@longshore/base/duration";
import { digestAt } from "../layout/parse.js";
import {
  algorithmLayersDirectory,
  blobData,
  emptiableDirectories,
  layerDirectory,
  layerLink,
  repositoryRemoved,
} from "../layout/paths.js";
import { parseRemovalMark } from "../layout/removal-mark.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import { allEnded, mapConcurrently } from "../store/shared/concurrent.js";
import { blobLinkName } from "../store/shared/link-names.js";
import { orUndefined, readSoundLink } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import type { HiddenFile } from "./file-hiding.js";
import { linkedRevisions } from "./marking.js";
import { readManifest } from "./read-manifest.js";
import type { Run } from "./run-state.js";

/** How many links are hidden at the same time. */
const BATCH = 256;

/** A removal that hasn't ended after this time (ms) was killed. */
const ENDS_WITHIN = HOUR;

/** A layer link of a repository that was removed. */
interface Leftover {
  readonly digest: Digest;
  readonly path: string;
  /** Where the bytes are. */
  readonly target: Digest;
}

/**
 * Notes the repository `name` if it was removed, so that its layer links are. While that is going on, what the repository links
 * must be kept: a manifest may be put back. Returns whether it is.
 */
export async function isBeingRemoved(name: RepositoryName, run: Run): Promise<boolean> {
  const path = repositoryRemoved(name);
  const bytes = await orUndefined(run.store.read(path, run.call));
  if (bytes === undefined) return false;
  const info = await orUndefined(run.store.stat(path, { ...run.call, fileOnly: true }));
  const written = info?.modified.getTime() ?? 0;
  const mark = parseRemovalMark(bytes) ?? { since: written, ended: false };
  if (!mark.ended && written >= run.start - ENDS_WITHIN) return true;
  run.work.append("removed", `${name} ${Math.min(mark.since, written)}`);
  return false;
}

/**
 * Removes the layer links of removed repositories that no manifest needs and whose bytes others use; the rest has been removed
 * with its bytes. A push needs a link only if its manifest is linked, which is looked at once the links are hidden: a manifest
 * that is linked later proves its links afterwards, and finds them hidden or gone.
 */
export async function sweepRemoved(run: Run): Promise<void> {
  await run.work.flush();
  for await (const line of run.work.lines("removed")) {
    run.signal?.throwIfAborted();
    const [name = "", since = ""] = line.split(" ");
    if (isRepositoryName(name)) await sweepRepository(name, Number(since), run);
  }
}

async function sweepRepository(name: RepositoryName, since: number, run: Run): Promise<void> {
  const mark = await orUndefined(run.store.read(repositoryRemoved(name), run.call));
  let isComplete = true;
  for await (const links of oldLinks(name, since, run)) {
    const kept = await sweepBatch(name, links, run);
    isComplete &&= kept === 0;
  }
  if (run.options.dryRun === true || !isComplete || mark === undefined) return;
  // Unless it has been removed again, and has links that were new before.
  const now = await orUndefined(run.store.read(repositoryRemoved(name), run.call));
  if (now === undefined || Buffer.compare(now, mark) !== 0) return;
  await orUndefined(run.driver.delete(repositoryRemoved(name), { fileOnly: true }));
  for (const directory of emptiableDirectories(name)) await run.hiding.tidy(directory);
}

/** The links that were there when the repository was removed, in batches. */
async function* oldLinks(
  name: RepositoryName,
  since: number,
  run: Run,
): AsyncGenerator<readonly Leftover[], void, undefined> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    const directory = algorithmLayersDirectory(name, algorithm);
    for await (const names of listBatches(run.store, directory, undefined, BATCH, run.call)) {
      const found = await mapConcurrently(names, run.concurrency, async (hex) => {
        const digest = digestAt(algorithm, hex);
        if (digest === undefined) return [];
        const path = layerLink(name, digest);
        const info = await orUndefined(run.store.stat(path, { ...run.call, fileOnly: true }));
        if (info === undefined && run.options.dryRun !== true) await run.hiding.tidy(layerDirectory(name, digest));
        if (info === undefined || info.modified.getTime() > since) return [];
        return [{ digest, path, target: (await readSoundLink(run.store, path, run.call)) ?? digest }];
      });
      yield found.flat();
    }
  }
}

/** Removes those of `links` that nothing needs, and returns how many are kept until they are older. */
async function sweepBatch(name: RepositoryName, links: readonly Leftover[], run: Run): Promise<number> {
  const needed = links.length === 0 ? undefined : await neededIn(name, run);
  if (needed === undefined) return links.length;
  const unneeded = links.filter(({ digest }) => !needed.has(digest));
  const isOld = await mapConcurrently(unneeded, run.concurrency, (link) => isUnused(link, run));
  const due = unneeded.filter((_link, index) => isOld[index]);
  for (const { digest } of due) run.report.line(`${name}: layer link eligible for deletion: ${digest}`);
  if (run.options.dryRun === true || due.length === 0) return unneeded.length - due.length;
  const hidden = new Map<Leftover, HiddenFile>();
  try {
    await mapConcurrently(due, run.concurrency, async (link) => {
      const file = await run.hiding.hide(link.path);
      if (file !== undefined) hidden.set(link, file);
    });
    return unneeded.length - due.length + (await decide(name, hidden, run));
  } catch (error) {
    // Readers find those that can't be put back now, and so does the next run.
    await allEnded([...hidden.values()].map((file) => run.hiding.restore(file))).catch(() => undefined);
    throw error;
  }
}

/** Removes the hidden links that are still unneeded; returns how many are kept. */
async function decide(name: RepositoryName, hidden: Map<Leftover, HiddenFile>, run: Run): Promise<number> {
  const needed = await neededIn(name, run);
  let kept = 0;
  await mapConcurrently([...hidden], run.concurrency, async ([link, file]) => {
    const lease = await run.hiding.leaseOf(file);
    const isDue = needed?.has(link.digest) === false && lease !== undefined && lease < run.cutoff;
    if (!isDue || run.signal?.aborted === true || !(await isUnused(link, run))) {
      kept += 1;
      await run.hiding.restore(file);
    } else {
      const remove = () => run.hiding.remove(file);
      const verdict = await run.links.changing([blobLinkName(name, link.digest)], remove);
      if (verdict === "removed") {
        await run.hiding.tidy(layerDirectory(name, link.digest));
        run.report.removed(`Deleting layer link path: ${link.path}`);
        run.report.counts.removedLinks += 1;
      } else {
        kept += 1;
        await run.hiding.ensure(file, link.target);
      }
    }
    hidden.delete(link);
  });
  return kept;
}

/** Whether no client has asked for the blob within the grace period, here or elsewhere: it may be about to push its manifest. */
async function isUnused({ target, path }: Leftover, run: Run): Promise<boolean> {
  const leases = await mapConcurrently([blobData(target), path], 2, async (each) => {
    const info = await orUndefined(run.driver.stat(each, { ...run.call, fileOnly: true }));
    return Math.max(info?.modified.getTime() ?? 0, await run.hiding.renewedAt(each));
  });
  return leases.every((lease) => lease < run.cutoff);
}

/** What the repository's manifests refer to; undefined if one of them can't be understood. */
async function neededIn(name: RepositoryName, run: Run): Promise<ReadonlySet<Digest> | undefined> {
  const needed = new Set<Digest>();
  for await (const revisions of linkedRevisions(name, run)) {
    for (const { digest } of revisions) {
      const read = await readManifest(run.store, digest, run.call);
      if (read.kind === "opaque") return undefined;
      if (read.kind === "read") for (const each of read.references) needed.add(each);
    }
  }
  return needed;
}
