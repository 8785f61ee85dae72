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
import { mapConcurrently } from "../store/concurrent.js";
import { manifestLinkName } from "../store/link-names.js";
import { orUndefined } from "../store/links.js";
import { listBatches } from "../store/paging.js";
import { condemn, type HiddenFile } from "./hiding.js";
import { tagBatches, tagTargets } from "./mark-tagged.js";
import { markManifest } from "./marking.js";
import { readManifest } from "./read-manifest.js";
import type { Run } from "./run.js";

/** A revision that nothing needed when its repository was looked at. */
interface Untagged {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  /** How many others of the untagged lead to it, one behind the other; 0: none. */
  readonly depth: number;
}

/** One that is hidden now. */
interface Hidden extends Untagged {
  readonly file: HiddenFile;
}

/** Removes the revisions that were noted, unless they are needed after all; marks those again. */
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
 * Hides all of them, and then looks at what came meanwhile: whoever needs one and came before is seen by the tag he set or by
 * the lease that he renewed, and whoever comes later misses the link. A parent's children and a subject's referrers stay
 * with it, so that the removing only begins when all is decided.
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
    // What isn't decided stays. Where that fails, too, whoever misses it finds it hidden, and the next run puts it back.
    await mapConcurrently([...hidden.values()], run.concurrency, ({ file }) => run.hiding.restore(file)).catch(
      () => undefined,
    );
    throw error;
  }
}

/** Hides the revisions, and removes those that nobody needs then. What is decided is taken out of `hidden`. */
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
  const saved: Digest[] = [];
  await mapConcurrently(revisions, run.concurrency, async (revision) => {
    run.signal?.throwIfAborted();
    const file = await run.hiding.hide(revisionLink(name, revision.digest));
    if (file === undefined) return;
    hidden.set(revision.digest, { ...revision, file });
    const lease = await run.hiding.leaseOf(file);
    if (lease === undefined || lease >= run.untaggedCutoff) saved.push(revision.digest);
  });
  for (const target of (await tagTargets(name, run)) ?? []) if (hidden.has(target)) saved.push(target);
  await putBackWithRelatives(name, saved, hidden, run);
  const removed = new Set<Digest>();
  // Parents before children: where a parent is needed at the last moment its children are still there.
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

/** Marks one that stays though it was to be removed, and takes what belongs to it out of `hidden`. */
async function takeBack(
  name: RepositoryName,
  { digest, file }: Hidden,
  hidden: Map<Digest, Hidden>,
  run: Run,
): Promise<void> {
  // Where it was copied back by who needs it, the copy may still be under way.
  await run.hiding.ensure(file, digest);
  await markManifest(name, digest, run);
  await putBackWithRelatives(name, await relativesOf(digest, hidden, run), hidden, run);
}

/** Takes what is needed, with its children and referrers, out of `hidden`. */
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

/** Removes a hidden revision for good, and its place in its subject's list. False where somebody has put it back. */
async function removeRevision(name: RepositoryName, { digest, subject, file }: Hidden, run: Run): Promise<boolean> {
  const { hiding, report } = run;
  if (run.signal?.aborted === true) {
    await hiding.restore(file);
    return false;
  }
  const verdict = await run.links.changing([manifestLinkName(name, digest)], () => hiding.remove(file));
  if (verdict !== "removed") return false;
  report.removed(`deleting manifest: ${revisionDirectory(name, digest)}`);
  await hiding.tidy(revisionDirectory(name, digest));
  if (subject === undefined) return true;
  // A push of it links it before it lists it, or looks for its entry afterwards: whichever comes last here is seen.
  const isUnlinked = async (): Promise<boolean> =>
    (await orUndefined(run.store.stat(revisionLink(name, digest), { fileOnly: true }))) === undefined;
  await condemn(hiding, referrerLink(name, subject, digest), isUnlinked);
  await hiding.tidy(referrerDirectory(name, subject, digest));
  return true;
}

/** Takes what was removed out of the tags' history, which nobody reads to learn where a tag leads. */
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
