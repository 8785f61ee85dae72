import { tagCurrentLink, tagsDirectory } from "../layout/paths.js";
import type { Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { isTagName, type TagName } from "../model/tag.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { orUndefined, readLinkToKeep } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { linkedRevisions, markManifest, reportOpaque } from "./marking.js";
import { readManifest } from "./read-manifest.js";
import type { Run } from "./run-state.js";

/** What a revision needs to be kept, and keeps. */
interface Node {
  readonly children: readonly Digest[];
  readonly subject: Digest | undefined;
  kept: boolean;
}

/**
 * Marks the revisions in use (those that tags point to, recent ones, and children and referrers of those that are kept), and
 * records the others. Needs some 300 bytes of memory for each revision of the repository. Returns whether all could be parsed;
 * if not, all of them count as in use.
 */
export async function markTagged(name: RepositoryName, run: Run): Promise<boolean> {
  const roots = await tagTargets(name, run);
  if (roots === undefined) {
    run.report.line(`manifest tags path of repository ${name} does not exist`);
  }
  const cutoff = run.untaggedCutoff(name) ?? -Infinity;
  const nodes = new Map<Digest, Node>();
  const opaque = new Set<Digest>();
  for await (const revisions of linkedRevisions(name, run)) {
    run.signal?.throwIfAborted();
    await mapConcurrently(revisions, run.concurrency, async ({ digest, link }) => {
      const read = await readManifest(run.store, digest, run.call);
      if (read.kind === "opaque") {
        opaque.add(digest);
        reportOpaque(name, digest, read.reason, run);
      }
      const kept = roots?.has(digest) === true || link.modified.getTime() >= cutoff;
      const needs = read.kind === "read" ? read : { children: [], subject: undefined };
      nodes.set(digest, { children: needs.children, subject: needs.subject, kept });
      if (kept && read.kind === "read") await markManifest(name, digest, run, read);
      if (read.kind === "opaque") run.mark(digest);
    });
    await run.work.settle();
  }
  const marked = new Set([...nodes].filter(([, { kept }]) => kept).map(([digest]) => digest));
  const isKnown = opaque.size === 0;
  if (isKnown) keepWhatIsNeeded(nodes);
  else for (const node of nodes.values()) node.kept = true;
  const depths = depthsOf(nodes);
  for (const [digest, { kept, subject }] of nodes) {
    if (kept && !marked.has(digest) && !opaque.has(digest)) await markManifest(name, digest, run);
    if (!kept) run.work.append("untagged", `${name} ${digest} ${subject ?? ""} ${depths.get(digest) ?? 0}`);
  }
  return isKnown;
}

/** How far below a root each unused child is; 0 for the others. There are no cycles, because parents contain digests. */
function depthsOf(nodes: ReadonlyMap<Digest, Node>): ReadonlyMap<Digest, number> {
  const depths = new Map<Digest, number>();
  let parents: readonly (readonly [Digest, Node])[] = [...nodes].filter(([, { kept }]) => !kept);
  for (let depth = 1; parents.length > 0; depth += 1) {
    const below = new Set(parents.flatMap(([, { children }]) => children));
    for (const child of below) if (nodes.has(child)) depths.set(child, depth);
    parents = parents.filter(([digest]) => below.has(digest));
  }
  return depths;
}

/** Keeps the children and the referrers of what is kept, and theirs. */
function keepWhatIsNeeded(nodes: ReadonlyMap<Digest, Node>): void {
  const referrers = new Map<Digest, Digest[]>();
  for (const [digest, { subject }] of nodes) {
    if (subject === undefined) continue;
    const list = referrers.get(subject);
    if (list === undefined) referrers.set(subject, [digest]);
    else list.push(digest);
  }
  const waiting = [...nodes].filter(([, { kept }]) => kept).map(([digest]) => digest);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const digest of [...(nodes.get(next)?.children ?? []), ...(referrers.get(next) ?? [])]) {
      const node = nodes.get(digest);
      if (node === undefined || node.kept) continue;
      node.kept = true;
      waiting.push(digest);
    }
  }
}

/**
 * Where the repository's tags point; undefined if it has no directory for tags. Throws if a tag can't be read, because it is
 * damaged or the disk fails: then what it keeps is unknown. An empty or truncated one was never acknowledged, and is ignored.
 */
export async function tagTargets(name: RepositoryName, run: Run): Promise<ReadonlySet<Digest> | undefined> {
  const { store, call, concurrency } = run;
  if ((await orUndefined(store.stat(tagsDirectory(name), call))) === undefined) return undefined;
  const targets = new Set<Digest>();
  for await (const tags of tagBatches(name, run)) {
    await mapConcurrently(tags, concurrency, async (tag) => {
      const target = await readLinkToKeep(store, tagCurrentLink(name, tag), call);
      if (target !== undefined) targets.add(target);
    });
  }
  return targets;
}

/** The names of the repository's tags, in batches. */
export async function* tagBatches(
  name: RepositoryName,
  { store, call }: Run,
): AsyncGenerator<readonly TagName[], void, undefined> {
  for await (const names of listBatches(store, tagsDirectory(name), undefined, undefined, call)) {
    yield names.filter(isTagName);
  }
}
