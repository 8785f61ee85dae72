import {
  referrerDirectory,
  referrerLink,
  revisionDirectory,
  revisionLink,
  tagIndexDirectory,
  tagIndexLink,
} from "../layout/paths.js";
import { digestAt } from "../layout/parse.js";
import { isDigest, splitDigest, DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { manifestLinkName } from "../store/shared/link-names.js";
import { orUndefined } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { condemn, type HiddenFile } from "./file-hiding.js";
import { tagBatches, tagTargets } from "./mark-tagged.js";
import { markManifest } from "./marking.js";
import { readManifest } from "./read-manifest.js";
import type { Run } from "./run-state.js";

/** A revision that nothing needed when its repository was looked at. */
interface Untagged {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  /** The length of the longest chain of other untagged revisions that leads to it. */
  readonly depth: number;
}

/** An untagged revision that has been hidden. */
interface Hidden extends Untagged {
  readonly file: HiddenFile;
}

/** Removes the recorded revisions, unless they are needed after all; marks those that are kept. */
export async function sweepRevisions(run: Run): Promise<void> {
  let name: RepositoryName | undefined;
  let revisions: Untagged[] = [];
  const finish = async (): Promise<void> => {
    if (name !== undefined) await sweepRepository(name, revisions, run);
    revisions = [];
  };
  for await (const line of run.work.lines("untagged")) {
    const [repository = "", digest = "", subject = "", depth = ""] = line.split(" ");
    if (!isRepositoryName(repository) || !isDigest(digest)) continue;
    if (repository !== name) await finish();
    name = repository;
    revisions.push({ digest, subject: isDigest(subject) ? subject : undefined, depth: Number(depth) });
  }
  await finish();
}

/**
 * Hides all of them, and then checks what has changed meanwhile: a push that needs one and came earlier has set a tag or renewed
 * a lease, and a later one notices that the link is missing. Children are kept with their parent and referrers with their
 * subject, so removing starts only when everything has been decided.
 */
async function sweepRepository(name: RepositoryName, revisions: readonly Untagged[], run: Run): Promise<void> {
  const tags = await tagNames(name, run);
  for (const { digest } of revisions) {
    run.report.line(`manifest eligible for deletion: {${name} ${digest} [${tags.join(" ")}]}`);
  }
  run.report.counts.eligibleManifests += revisions.length;
  if (run.options.dryRun === true) return;
  const hidden = new Map<Digest, Hidden>();
  try {
    await sweepHidden(name, { revisions, tags, hidden }, run);
  } catch (error) {
    // Undecided revisions are put back. If that also fails, readers find them hidden, and the next run puts them back.
    await mapConcurrently([...hidden.values()], run.concurrency, ({ file }) => run.hiding.restore(file)).catch(
      () => undefined,
    );
    throw error;
  }
}

/** Hides the revisions, and removes those that are still unused. Those that are decided are removed from `hidden`. */
async function sweepHidden(
  name: RepositoryName,
  {
    revisions,
    tags,
    hidden,
  }: {
    readonly revisions: readonly Untagged[];
    readonly tags: readonly TagName[];
    readonly hidden: Map<Digest, Hidden>;
  },
  run: Run,
): Promise<void> {
  const cutoff = run.untaggedCutoff(name) ?? -Infinity;
  const saved: Digest[] = [];
  await mapConcurrently(revisions, run.concurrency, async (revision) => {
    run.signal?.throwIfAborted();
    const file = await run.hiding.hide(revisionLink(name, revision.digest));
    if (file === undefined) return;
    hidden.set(revision.digest, { ...revision, file });
    const lease = await run.hiding.leaseOf(file);
    if (lease === undefined || lease >= cutoff) saved.push(revision.digest);
  });
  for (const target of (await tagTargets(name, run)) ?? []) if (hidden.has(target)) saved.push(target);
  await putBackWithRelatives(name, saved, hidden, run);
  const removed = new Set<Digest>();
  // Parents before children: if a parent is needed at the last moment, its children still exist.
  for (let depth = 0; hidden.size > 0; depth += 1) {
    const level = [...hidden.values()].filter((revision) => revision.depth <= depth);
    const kept: Hidden[] = [];
    await mapConcurrently(level, run.concurrency, async (revision) => {
      if (await removeRevision(name, revision, run)) removed.add(revision.digest);
      else kept.push(revision);
      hidden.delete(revision.digest);
    });
    for (const revision of kept) await takeBack(name, revision, hidden, run);
  }
  run.report.counts.removedManifests += removed.size;
  await forgetHistory(name, tags, removed, run);
}

async function tagNames(name: RepositoryName, run: Run): Promise<readonly TagName[]> {
  const tags: TagName[] = [];
  for await (const batch of tagBatches(name, run)) tags.push(...batch);
  return tags;
}

/** Marks a revision that is kept after all, and takes it and its relatives out of `hidden`. */
async function takeBack(
  name: RepositoryName,
  { digest, file }: Hidden,
  hidden: Map<Digest, Hidden>,
  run: Run,
): Promise<void> {
  // If the process that needs it is copying it back, the copy may not be complete yet.
  await run.hiding.ensure(file, digest);
  await markManifest(name, digest, run);
  await putBackWithRelatives(name, await relativesOf(digest, hidden, run), hidden, run);
}

/** Takes a needed revision, with its children and referrers, out of `hidden`. */
async function putBackWithRelatives(
  name: RepositoryName,
  saved: readonly Digest[],
  hidden: Map<Digest, Hidden>,
  run: Run,
): Promise<void> {
  const waiting = [...saved];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const revision = hidden.get(digest);
    if (revision === undefined) continue;
    hidden.delete(digest);
    await run.hiding.restore(revision.file);
    await markManifest(name, digest, run);
    waiting.push(...(await relativesOf(digest, hidden, run)));
  }
}

/** The children of `digest`, and those of `hidden` that name it as their subject. */
async function relativesOf(digest: Digest, hidden: ReadonlyMap<Digest, Hidden>, run: Run): Promise<readonly Digest[]> {
  const read = await readManifest(run.store, digest);
  const referrers = [...hidden.values()].filter(({ subject }) => subject === digest).map((other) => other.digest);
  return [...(read.kind === "read" ? read.children : []), ...referrers];
}

/** Removes a hidden revision, and its entry as a referrer. False if it has been put back. */
async function removeRevision(name: RepositoryName, { digest, subject, file }: Hidden, run: Run): Promise<boolean> {
  const { hiding, report } = run;
  if (run.signal?.aborted === true) {
    await hiding.restore(file);
    return false;
  }
  const verdict = await run.links.changing([manifestLinkName(name, digest)], () => hiding.remove(file));
  if (verdict !== "removed") return false;
  report.removed(`deleting manifest: ${revisionDirectory(name, digest)}`);
  report.manifestRemoved(name, digest);
  await hiding.tidy(revisionDirectory(name, digest));
  if (subject === undefined) return true;
  // A push either links it before it lists it, or looks for its entry afterwards, so one of the two is noticed here.
  const isUnlinked = async (): Promise<boolean> =>
    (await orUndefined(run.store.stat(revisionLink(name, digest), { fileOnly: true }))) === undefined;
  await condemn(hiding, referrerLink(name, subject, digest), isUnlinked);
  await hiding.tidy(referrerDirectory(name, subject, digest));
  return true;
}

/** Removes the deleted revisions from the history of tags, from which tags are never read. */
async function forgetHistory(
  name: RepositoryName,
  tags: readonly TagName[],
  removed: ReadonlySet<Digest>,
  run: Run,
): Promise<void> {
  if (removed.size === 0) return;
  for (const tag of tags) {
    for (const algorithm of DIGEST_ALGORITHMS) {
      const directory = `${tagIndexDirectory(name, tag)}/${algorithm}`;
      for await (const names of listBatches(run.store, directory, undefined, undefined, run.call)) {
        for (const hex of names) {
          const digest = digestAt(algorithm, hex);
          if (digest === undefined || !removed.has(digest)) continue;
          await orUndefined(run.driver.delete(tagIndexLink(name, tag, digest), { fileOnly: true }));
          await run.hiding.tidy(`${directory}/${splitDigest(digest).hex}`);
          run.report.removed(`deleting manifest tag reference: ${directory}/${splitDigest(digest).hex}`);
        }
      }
    }
  }
}
