import { StorageError } from "../errors.js";
import { DIGEST_ALGORITHMS, splitDigest, type Digest, type DigestAlgorithm } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";

/*
 * Every path below /docker/registry/v2: Distribution's (wire contract §5), and ours, which Distribution ignores: `referrers/`
 * and `removed` under `_manifests`, `data.<claim>`, `digests/`, `state` and `segment.<id>` under an upload. The inverse is parse.ts.
 */

/** The root of everything. */
export const ROOT = "/docker/registry/v2";
export const BLOBS_DIRECTORY = `${ROOT}/blobs`;
export const REPOSITORIES_DIRECTORY = `${ROOT}/repositories`;

/** Holds this storage's unique id. Distribution ignores it. */
export const STORAGE_ID = `${ROOT}/longshore/id`;

/** Holds the files of a pull-through cache. Distribution ignores it. */
export const MIRROR_DIRECTORY = `${ROOT}/longshore/mirror`;

/** Holds small records that aren't registry content: signing keys, tokens. Distribution ignores it. */
export const RECORDS_DIRECTORY = `${ROOT}/longshore/records`;

/** Holds what the inventory keeps: derived from everything else, and deletable at any time. Distribution ignores it. */
export const INVENTORY_DIRECTORY = `${ROOT}/longshore/inventory`;

/** `<alg>/<hex>`, as below every directory of links. */
function digestPath(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}/${hex}`;
}

/** The blobs of one algorithm whose hex begins with the two digits `prefix`: a directory for each, named by its hex. */
export function blobsBucket(algorithm: DigestAlgorithm, prefix: string): string {
  return `${BLOBS_DIRECTORY}/${algorithm}/${prefix}`;
}

export function blobDirectory(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${BLOBS_DIRECTORY}/${algorithm}/${hex.slice(0, 2)}/${hex}`;
}

/** A blob's or manifest's bytes. */
export function blobData(digest: Digest): string {
  return `${blobDirectory(digest)}/data`;
}

export function repositoryDirectory(name: RepositoryName): string {
  return `${REPOSITORIES_DIRECTORY}/${name}`;
}

function layersDirectory(name: RepositoryName): string {
  return `${repositoryDirectory(name)}/_layers`;
}

/** The layer links of one algorithm: a directory for each, named by its hex. */
export function algorithmLayersDirectory(name: RepositoryName, algorithm: DigestAlgorithm): string {
  return `${layersDirectory(name)}/${algorithm}`;
}

export function layerDirectory(name: RepositoryName, digest: Digest): string {
  return `${layersDirectory(name)}/${digestPath(digest)}`;
}

/** Its existence means that the repository has the blob. Holds the digest under which the bytes are stored. */
export function layerLink(name: RepositoryName, digest: Digest): string {
  return `${layerDirectory(name, digest)}/link`;
}

export function manifestsDirectory(name: RepositoryName): string {
  return `${repositoryDirectory(name)}/_manifests`;
}

/**
 * Marks a repository that was removed: a collection may remove the layer links that are older and that no manifest needs.
 * Distribution ignores it.
 */
export function repositoryRemoved(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/removed`;
}

function revisionsDirectory(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/revisions`;
}

/** The revisions of one algorithm: a directory for each, named by its hex. */
export function algorithmRevisionsDirectory(name: RepositoryName, algorithm: DigestAlgorithm): string {
  return `${revisionsDirectory(name)}/${algorithm}`;
}

export function revisionDirectory(name: RepositoryName, digest: Digest): string {
  return `${revisionsDirectory(name)}/${digestPath(digest)}`;
}

/** Its existence means that the repository has the manifest. */
export function revisionLink(name: RepositoryName, digest: Digest): string {
  return `${revisionDirectory(name, digest)}/link`;
}

export function tagsDirectory(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/tags`;
}

export function tagDirectory(name: RepositoryName, tag: TagName): string {
  return `${tagsDirectory(name)}/${tag}`;
}

export function tagCurrentDirectory(name: RepositoryName, tag: TagName): string {
  return `${tagDirectory(name, tag)}/current`;
}

/** Holds the digest that the tag points to. */
export function tagCurrentLink(name: RepositoryName, tag: TagName): string {
  return `${tagCurrentDirectory(name, tag)}/link`;
}

/** What removals of a tag or a revision call their own entries in its directory. */
const REMOVAL = "removing.";

/** Announces one removal of the revision, by its id: a directory over real files, otherwise a file. Distribution reads only `link`. */
export function revisionRemoval(name: RepositoryName, digest: Digest, id: string): string {
  return `${revisionDirectory(name, digest)}/${REMOVAL}${id}`;
}

/** The directory to which one removal of the tag, by its id, moves the link. Distribution reads only `current` and `index`. */
export function tagRemovalDirectory(name: RepositoryName, tag: TagName, id: string): string {
  return `${tagDirectory(name, tag)}/${REMOVAL}${id}`;
}

/** Whether `name`, in the directory of a tag or a revision, is a {@link tagRemovalDirectory} or a {@link revisionRemoval}. */
export function isRemoval(name: string): boolean {
  return name.startsWith(REMOVAL);
}

export function tagIndexDirectory(name: RepositoryName, tag: TagName): string {
  return `${tagDirectory(name, tag)}/index`;
}

/** Records that the tag once pointed to `digest`. */
export function tagIndexLink(name: RepositoryName, tag: TagName, digest: Digest): string {
  return `${tagIndexDirectory(name, tag)}/${digestPath(digest)}/link`;
}

export function referrersDirectory(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/referrers`;
}

/** Marks that every revision has been searched for a subject. */
export function referrersIndexed(name: RepositoryName): string {
  return `${referrersDirectory(name)}/indexed`;
}

/** The manifests that name `subject`: a directory for each algorithm. */
export function subjectDirectory(name: RepositoryName, subject: Digest): string {
  return `${referrersDirectory(name)}/${digestPath(subject)}`;
}

export function referrerDirectory(name: RepositoryName, subject: Digest, referrer: Digest): string {
  return `${subjectDirectory(name, subject)}/${digestPath(referrer)}`;
}

/** Holds the descriptor of `referrer` as JSON. */
export function referrerLink(name: RepositoryName, subject: Digest, referrer: Digest): string {
  return `${referrerDirectory(name, subject, referrer)}/link`;
}

/**
 * The directories of the repository `name` that hold others, from the innermost on, and then those above it, which exist for it
 * alone if they are empty. All of them may be removed while they are empty.
 */
export function emptiableDirectories(name: RepositoryName): readonly string[] {
  const ofAlgorithms = DIGEST_ALGORITHMS.flatMap((algorithm) => [
    algorithmRevisionsDirectory(name, algorithm),
    algorithmLayersDirectory(name, algorithm),
    `${referrersDirectory(name)}/${algorithm}`,
  ]);
  const own = [
    revisionsDirectory,
    referrersDirectory,
    tagsDirectory,
    manifestsDirectory,
    layersDirectory,
    uploadsDirectory,
  ];
  const above = name.split("/").map((_component, index, all) => all.slice(0, all.length - index).join("/"));
  return [...ofAlgorithms, ...own.map((of) => of(name)), ...above.map((each) => `${REPOSITORIES_DIRECTORY}/${each}`)];
}

const UPLOAD_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const CLAIM = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether `text` can name an upload session. Narrower than Distribution's router, which accepts what no driver can store. */
export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

/** Whether `text` can name a claim of an upload's data, or a segment of it. */
export function isUploadClaim(text: string): boolean {
  return CLAIM.test(text);
}

export function uploadsDirectory(name: RepositoryName): string {
  return `${repositoryDirectory(name)}/_uploads`;
}

/** A session's directory. Throws UPLOAD_UNKNOWN for a `uuid` that no session can have. */
export function uploadDirectory(name: RepositoryName, uuid: string): string {
  if (!isUploadId(uuid)) throw new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
  return `${uploadsDirectory(name)}/${uuid}`;
}

/** Holds the time the session was opened: RFC 3339, UTC, whole seconds. */
export function uploadStartedAt(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/startedat`;
}

/** The bytes so far, while they are unclaimed. */
export function uploadData(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/data`;
}

/** The bytes so far, while `claim` holds them. Throws UPLOAD_TAKEN_OVER if `claim` is malformed. */
export function uploadClaimedData(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/data.${claim}`;
}

/** What `claim` copies from an older claim that it takes over. Ignored until {@link uploadTakenMark} exists. */
export function uploadCopy(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/copy.${claim}`;
}

/** The older claim's file after `claim` has taken over: from then on the session's bytes are in {@link uploadCopy}. */
export function uploadTakenMark(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/taken.${claim}`;
}

/** On object storage: JSON that lists the segments of a session. */
export function uploadState(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/state`;
}

/** On object storage: some of a session's bytes, immutable. Throws UPLOAD_TAKEN_OVER if the id is malformed. */
export function uploadSegment(name: RepositoryName, uuid: string, id: string): string {
  if (!isUploadClaim(id)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/segment.${id}`;
}

/** Distribution's hash states of the bytes so far. We never read them. */
export function uploadHashStatesDirectory(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/hashstates`;
}

/** Our digests of the bytes so far. */
export function uploadDigestsDirectory(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/digests`;
}

/** Holds the digest of the first `offset` bytes. Throws RangeError for an offset that isn't a whole number ≥ 0. */
export function uploadDigest(name: RepositoryName, uuid: string, algorithm: DigestAlgorithm, offset: number): string {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`${offset} is no offset`);
  return `${uploadDigestsDirectory(name, uuid)}/${algorithm}/${offset}`;
}
