import { isDigest, mapConcurrently, type Digest, type Survey, type TagName } from "@longshore/storage";
import type { RepositoryDocument } from "./document.js";
import { readFacts } from "./facts.js";

/** Links and manifests that are read at a time. */
const CONCURRENCY = 16;

/** Reads what the repository of `document` contains. What is known of manifests that stay isn't read again. */
export async function readAll(document: RepositoryDocument, survey: Survey): Promise<void> {
  const { name } = document;
  const goneManifests = new Set(document.manifests.keys());
  for await (const digests of survey.revisions(name)) {
    await mapConcurrently(digests, CONCURRENCY, (digest) => readManifest(document, digest, survey));
    for (const digest of digests) goneManifests.delete(digest);
  }
  for (const digest of goneManifests) document.setManifest(digest, undefined);
  const goneTags = new Set(document.tags.keys());
  for await (const tags of survey.tagNames(name)) {
    await mapConcurrently(tags, CONCURRENCY, (tag) => readTag(document, tag, survey));
    for (const tag of tags) goneTags.delete(tag);
  }
  for (const tag of goneTags) document.setTag(tag, undefined);
}

/** Reads some tags and manifests again. */
export async function readItems(
  document: RepositoryDocument,
  items: Iterable<TagName | Digest>,
  survey: Survey,
): Promise<void> {
  await mapConcurrently([...items], CONCURRENCY, (item) =>
    isDigest(item) ? readManifest(document, item, survey) : readTag(document, item, survey),
  );
}

async function readTag(document: RepositoryDocument, tag: TagName, survey: Survey): Promise<void> {
  const found = await survey.tag(document.name, tag);
  // It may have been pushed since the manifests were listed.
  if (found !== undefined && !document.manifests.has(found.digest)) await readManifest(document, found.digest, survey);
  document.setTag(tag, found === undefined ? undefined : { digest: found.digest, pushed: found.modified });
}

async function readManifest(document: RepositoryDocument, digest: Digest, survey: Survey): Promise<void> {
  const revision = await survey.revision(document.name, digest);
  if (revision === undefined) {
    document.setManifest(digest, undefined);
    return;
  }
  const facts = document.manifests.get(digest)?.facts ?? (await readFacts(digest, survey));
  document.setManifest(digest, facts === undefined ? undefined : { facts, pushed: revision.modified });
}
