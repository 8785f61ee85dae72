import { MINUTE } from "@longshore/base/duration";
import type { CallOptions } from "../../contract/driver.js";
import type { RemovedRepository, RemoveOptions } from "../../contract/registry.js";
import { isStorageError, StorageError } from "../../errors.js";
import { isUploadId, repositoryRemoved, revisionLink, uploadsDirectory, uploadStartedAt } from "../../layout/paths.js";
import { writeRemovalMark } from "../../layout/removal-mark.js";
import { DIGEST_ALGORITHMS, type Digest } from "../../model/digest.js";
import { describeManifest } from "../../model/manifest/manifest.js";
import { referencesOf } from "../../model/manifest/references.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { RegistryDependencies } from "../dependencies.js";
import { listManifests, revisionBatches } from "../manifests/revisions.js";
import { guardedRemovals } from "../manifests/guarded-removal.js";
import { requireNoImmutableTag, requireNoImmutableTags } from "../manifests/needed-by-tags.js";
import { removeRevision } from "../manifests/revision-removal.js";
import { removeEntryOfRemoved, writeEntry } from "../referrers/entries.js";
import { manifestOf } from "../referrers/indexing.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { manifestLinkName } from "../shared/link-names.js";
import { hasLink, orUndefined, writeLink } from "../shared/links.js";
import { listBatches } from "../shared/paging.js";
import { readStartedAt } from "../uploads/started.js";
import { isThereAnything, listedEntries, pruneRepository } from "./contents.js";
import type { Removal } from "./removal.js";
import { removeTags } from "./remove-tags.js";

/** How many manifests, entries or sessions are removed at the same time. */
const CONCURRENCY = 16;

/** How many links are announced to shared caches at a time. */
const ANNOUNCED = 1000;

/** How far in the future a link's time may be and still be that of a push (ms): clocks jump, and copies keep odd times. */
const CLOCK_MARGIN = MINUTE;

/**
 * Removes the repository `name` (docs/protocols/repositories.md §Removing a repository); see `Registry.remove`. In this order:
 * the mark for the collector, the manifests, what newer manifests need of these, entries of referrers, tags, upload sessions.
 */
export async function removeRepository(
  name: RepositoryName,
  shared: RegistryDependencies,
  options: RemoveOptions = {},
): Promise<RemovedRepository> {
  const { driver } = shared;
  const call: CallOptions = { signal: options.signal };
  if (!(await isThereAnything(name, driver, call))) throw new StorageError({ code: "NAME_UNKNOWN", name });
  await requireNoImmutableTags(name, shared, call);
  const counts = { manifest: 0, tag: 0, upload: 0 };
  const since = await beginMark(name, shared, call);
  const began = performance.now();
  const removal: Removal = {
    name,
    shared,
    call,
    options,
    isNew: (time) => time > since && time <= since + (performance.now() - began) + CLOCK_MARGIN,
    removed: (item) => {
      counts[item.kind] += 1;
      options.onRemoved?.(item);
    },
  };
  const gone = await removeManifests(removal);
  const left = await putBackNeeded(gone, removal);
  await removeEntries(removal);
  await removeTags(removal);
  await endUploads(removal);
  await driver.write(repositoryRemoved(name), writeRemovalMark({ since, ended: true }), call);
  await pruneRepository(name, driver, call);
  return { manifests: counts.manifest, tags: counts.tag, uploads: counts.upload, left };
}

/** Marks the repository for the collector, and returns the storage's time (ms). */
async function beginMark(name: RepositoryName, { driver }: RegistryDependencies, call: CallOptions): Promise<number> {
  const path = repositoryRemoved(name);
  await driver.write(path, writeRemovalMark({ since: Date.now(), ended: false }), call);
  const { modified } = await driver.stat(path, { ...call, fileOnly: true });
  return modified.getTime();
}

/** Removes all manifests but the new ones, and returns which. */
async function removeManifests(removal: Removal): Promise<ReadonlySet<Digest>> {
  const { name, shared, call } = removal;
  const gone = new Set<Digest>();
  let batch: Digest[] = [];
  const finish = async (): Promise<void> => {
    const links = batch.map((digest) => manifestLinkName(name, digest));
    const work = () => mapConcurrently(batch, CONCURRENCY, (digest) => removeManifest(digest, removal, gone));
    if (batch.length > 0) await shared.links.changing(links, work, call);
    batch = [];
  };
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const digests of revisionBatches(name, algorithm, shared.driver, call)) {
      batch.push(...digests);
      if (batch.length >= ANNOUNCED) await finish();
    }
  }
  await finish();
  return gone;
}

async function removeManifest(digest: Digest, { name, shared, call, ...removal }: Removal, gone: Set<Digest>) {
  const { driver, seenRevisions } = shared;
  const link = await orUndefined(driver.stat(revisionLink(name, digest), { ...call, fileOnly: true }));
  if (link === undefined || removal.isNew(link.modified.getTime())) return;
  const item = { kind: "manifest", digest } as const;
  await removal.options.before?.(item);
  seenRevisions.forget(name, digest);
  if (shared.immutable(name) === undefined) await removeRevision(name, digest, driver, call);
  else
    await guardedRemovals(name, driver).remove(digest, () => requireNoImmutableTag(name, digest, shared, call), call);
  seenRevisions.forget(name, digest);
  gone.add(digest);
  removal.removed(item);
}

/**
 * Links those of `gone` again that manifests which are there now refer to: a push found them before they were removed. Its link
 * was written before that, so it is seen here. Returns how many manifests there are.
 */
async function putBackNeeded(gone: ReadonlySet<Digest>, { name, shared, call }: Removal): Promise<number> {
  const { driver, reader, links } = shared;
  const waiting: Digest[] = [...(await listManifests(name, driver, call)).items];
  const there = new Set(waiting);
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const stored = await reader.read(digest, call);
    const manifest = stored && manifestOf(stored);
    if (manifest === undefined) continue;
    for (const { kind, descriptor } of referencesOf(manifest)) {
      const child = descriptor.digest;
      if (kind === "blob" || there.has(child) || !gone.has(child)) continue;
      there.add(child);
      waiting.push(child);
      await links.changing([manifestLinkName(name, child)], () => putBack(child));
    }
  }
  return there.size;

  async function putBack(child: Digest): Promise<void> {
    if (!(await hasLink(driver, revisionLink(name, child), child))) {
      await writeLink(driver, revisionLink(name, child), child);
    }
    const stored = await reader.read(child);
    const manifest = stored && manifestOf(stored);
    if (stored === undefined || manifest?.subject === undefined) return;
    const descriptor = describeManifest(manifest, child, stored.bytes.length);
    await writeEntry({ name, driver }, manifest.subject.digest, descriptor);
  }
}

/** Removes the entries of referrers that aren't linked. */
async function removeEntries({ name, shared: { driver }, call }: Removal): Promise<void> {
  for await (const { subject, referrers } of listedEntries(name, driver, call)) {
    await mapConcurrently(referrers, CONCURRENCY, async (referrer) => {
      await removeEntryOfRemoved({ name, driver }, subject, referrer, call);
    });
  }
}

/** Ends the sessions that began before the removal. Their bytes were never acknowledged as a blob. */
async function endUploads({ name, shared, call, ...removal }: Removal): Promise<void> {
  const { driver } = shared;
  const uploads = shared.uploads.store(name);
  for await (const names of listBatches(driver, uploadsDirectory(name), undefined, undefined, call)) {
    await mapConcurrently(names.filter(isUploadId), CONCURRENCY, async (uuid) => {
      const started = await orUndefined(readStartedAt(driver, uploadStartedAt(name, uuid), call));
      if (started === undefined || removal.isNew(started.getTime())) return;
      try {
        await uploads.cancel(uuid, call);
      } catch (error) {
        // Its client has ended it meanwhile.
        if (isStorageError(error, "UPLOAD_UNKNOWN")) return;
        throw error;
      }
      removal.removed({ kind: "upload", uuid });
    });
  }
}
