import { digestAt } from "../layout/parse.js";
import { algorithmLayersDirectory, layerLink } from "../layout/paths.js";
import { CANONICAL_ALGORITHM, DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { readLinkToKeep } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { isBeingRemoved } from "./sweep-removed.js";
import { markTagged } from "./mark-tagged.js";
import { linkedRevisions, markManifest } from "./marking.js";
import { bucketFile, bucketOf, type Run } from "./run-state.js";

/** Marks what the manifests of one repository need, and notes its layer links. */
export async function markRepository(name: RepositoryName, run: Run): Promise<void> {
  const { report, work } = run;
  report.line(name);
  const isKnown = run.untaggedCutoff(name) === undefined ? await markAll(name, run) : await markTagged(name, run);
  await noteLayers(name, run, isKnown && !(await isBeingRemoved(name, run)));
  await work.settle();
}

/** Marks every linked revision. Returns whether all could be parsed. */
async function markAll(name: RepositoryName, run: Run): Promise<boolean> {
  let isKnown = true;
  for await (const revisions of linkedRevisions(name, run)) {
    run.signal?.throwIfAborted();
    const marked = await mapConcurrently(revisions, run.concurrency, ({ digest }) => markManifest(name, digest, run));
    isKnown &&= !marked.includes("opaque");
    await run.work.settle();
  }
  return isKnown;
}

/** Notes which layers the repository links; marks them where `isKnown` is false. */
async function noteLayers(name: RepositoryName, run: Run, isKnown: boolean): Promise<void> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    const directory = algorithmLayersDirectory(name, algorithm);
    for await (const names of listBatches(run.store, directory, undefined, undefined, run.call)) {
      const digests = names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
      for (const digest of digests) {
        run.work.append(bucketFile("links", bucketOf(digest)), `${digest} ${name}`);
        if (!isKnown) run.mark(digest);
      }
      if (algorithm !== CANONICAL_ALGORITHM) await noteAliases(name, digests, run);
      await run.work.settle();
    }
  }
}

/** A link of Distribution under a sha512 leads to the bytes under a sha256 (wire contract §1.6): used, where the sha512 is. */
async function noteAliases(name: RepositoryName, digests: readonly Digest[], run: Run): Promise<void> {
  await mapConcurrently(digests, run.concurrency, async (digest) => {
    const target = await readLinkToKeep(run.store, layerLink(name, digest), run.call);
    if (target !== undefined && target !== digest) run.work.append("aliases", `${digest} ${target}`);
  });
}
