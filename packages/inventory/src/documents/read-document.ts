import { isDigest, mapConcurrently, type Digest, type Survey, type TagName } from "@longshore/storage";
import type { RepositoryDocument } from "./document.js";
import { readFacts, type ManifestFacts } from "./facts.js";
import type { ShareFacts } from "./shared-facts.js";

/** Links and manifests that are read at a time. */
const CONCURRENCY = 16;

/** From where a document is read. */
export interface Source {
  readonly survey: Survey;
  /** What manifests say that needn't be read. */
  readonly known: ReadonlyMap<Digest, ManifestFacts>;
  readonly share: ShareFacts;
  /** Called with what had to be read. */
  readonly onRead: (facts: ManifestFacts) => void;
}

/** Told how many manifests were read, of so many. */
export type OnProgress = (done: number, total: number) => void;

/** After so many manifests the caller is told how far it is. */
const STEP = 256;

/** Reads what the repository of `document` contains. What is known of manifests that stay isn't read again. */
export async function readAll(
  document: RepositoryDocument,
  source: Source & { readonly onProgress: OnProgress },
): Promise<void> {
  const { survey, onProgress } = source;
  const { name } = document;
  const goneManifests = new Set(document.manifests.keys());
  // All names first, which are kept in any case: nothing else says how many there are.
  const found: Digest[] = [];
  for await (const digests of survey.revisions(name)) for (const digest of digests) found.push(digest);
  for (let done = 0; done < found.length; done += STEP) {
    onProgress(done, found.length);
    const digests = found.slice(done, done + STEP);
    await mapConcurrently(digests, CONCURRENCY, (digest) => readManifest(document, digest, source));
    for (const digest of digests) goneManifests.delete(digest);
  }
  for (const digest of goneManifests) document.setManifest(digest, undefined);
  const goneTags = new Set(document.tags.keys());
  for await (const tags of survey.tagNames(name)) {
    await mapConcurrently(tags, CONCURRENCY, (tag) => readTag(document, tag, source));
    for (const tag of tags) goneTags.delete(tag);
  }
  for (const tag of goneTags) document.setTag(tag, undefined);
}

/** Reads some tags and manifests again. */
export async function readItems(
  document: RepositoryDocument,
  items: Iterable<TagName | Digest>,
  source: Source,
): Promise<void> {
  await mapConcurrently([...items], CONCURRENCY, (item) =>
    isDigest(item) ? readManifest(document, item, source) : readTag(document, item, source),
  );
}

async function readTag(document: RepositoryDocument, tag: TagName, source: Source): Promise<void> {
  const found = await source.survey.tag(document.name, tag);
  // It may have been pushed since the manifests were listed.
  if (found !== undefined && !document.manifests.has(found.digest)) await readManifest(document, found.digest, source);
  document.setTag(tag, found === undefined ? undefined : { digest: found.digest, pushed: found.modified });
}

async function learnFacts(digest: Digest, { survey, share, onRead }: Source): Promise<ManifestFacts | undefined> {
  const facts = await readFacts(digest, survey);
  if (facts === undefined) return undefined;
  onRead(facts);
  return share(facts);
}

async function readManifest(document: RepositoryDocument, digest: Digest, source: Source): Promise<void> {
  const { survey, known } = source;
  const revision = await survey.revision(document.name, digest);
  if (revision === undefined) {
    document.setManifest(digest, undefined);
    return;
  }
  const before = document.manifests.get(digest)?.facts ?? known.get(digest);
  const facts = before?.isFinal === true ? before : await learnFacts(digest, source);
  document.setManifest(digest, facts === undefined ? undefined : { facts, pushed: revision.modified });
}
