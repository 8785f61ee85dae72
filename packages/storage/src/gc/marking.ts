import type { FileInfo } from "../contract/driver.js";
import { revisionLink } from "../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { orUndefined } from "../store/shared/links.js";
import { revisionBatches } from "../store/manifests/revisions.js";
import { readManifest, type ManifestNeeds } from "./read-manifest.js";
import type { Run } from "./run-state.js";

/** A revision that is linked. */
export interface Revision {
  readonly digest: Digest;
  readonly link: FileInfo;
}

/** The repository's revisions in batches, in order. */
export async function* linkedRevisions(
  name: RepositoryName,
  { store, call, concurrency, hiding, options }: Run,
): AsyncGenerator<readonly Revision[], void, undefined> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const digests of revisionBatches(name, algorithm, store, call)) {
      const found = await mapConcurrently(digests, concurrency, async (digest) => {
        const link = await orUndefined(store.stat(revisionLink(name, digest), { ...call, fileOnly: true }));
        if (link === undefined && options.dryRun !== true) await hiding.abandon(revisionLink(name, digest));
        return { digest, link };
      });
      yield found.flatMap(({ digest, link }) => (link === undefined ? [] : [{ digest, link }]));
    }
  }
}

/** Marks a manifest and what it refers to; reads it unless the caller already has. */
export async function markManifest(
  name: RepositoryName,
  digest: Digest,
  run: Run,
  needs?: ManifestNeeds,
): Promise<"read" | "missing" | "opaque"> {
  const read = needs ?? (await readManifest(run.store, digest, run.call));
  // Its bytes are missing: what it needs is unknown, but it can't be pulled either.
  if (read.kind === "missing") return "missing";
  run.report.line(`${name}: marking manifest ${digest} `);
  run.mark(digest);
  run.report.counts.marked += 1;
  run.report.progress({ phase: "mark", done: run.report.counts.marked, total: undefined, freedBytes: 0 });
  if (read.kind === "opaque") {
    reportOpaque(name, digest, read.reason, run);
    return "opaque";
  }
  for (const reference of read.references) {
    if (run.mark(reference)) run.report.line(`${name}: marking blob ${reference}`);
  }
  return "read";
}

export function reportOpaque(name: RepositoryName, digest: Digest, reason: string, run: Run): void {
  const text = `${name}: manifest ${digest} can't be understood (${reason}); all that the repository links is kept`;
  run.report.problem(text);
}
