import { StorageError } from "../errors.js";
import { splitDigest, type Digest, type DigestAlgorithm } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import type { TagName } from "../model/tag.js";

/*
 * Every path below /docker/registry/v2: the original's (contract §5), and ours, which the original ignores: `referrers/`
 * under `_manifests`, `data.<claim>`, `digests/`, `state` and `segment.<id>` under an upload. The inverse is parse.ts.
 */

/** Where everything is. */
export const ROOT = "/docker/registry/v2";
export const BLOBS_DIRECTORY = `${ROOT}/blobs`;
export const REPOSITORIES_DIRECTORY = `${ROOT}/repositories`;

/** Holds what tells this storage from every other: ours, and in nobody's way. */
export const STORAGE_ID = `${ROOT}/longshore/id`;

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

/** Says that the repository has the blob. Holds the digest that its bytes are stored under. */
export function layerLink(name: RepositoryName, digest: Digest): string {
  return `${layerDirectory(name, digest)}/link`;
}

export function manifestsDirectory(name: RepositoryName): string {
  return `${repositoryDirectory(name)}/_manifests`;
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

/** Says that the repository has the manifest. */
export function revisionLink(name: RepositoryName, digest: Digest): string {
  return `${revisionDirectory(name, digest)}/link`;
}

export function tagsDirectory(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/tags`;
}

export function tagDirectory(name: RepositoryName, tag: TagName): string {
  return `${tagsDirectory(name)}/${tag}`;
}

/** Holds the digest that the tag points to. */
export function tagCurrentLink(name: RepositoryName, tag: TagName): string {
  return `${tagDirectory(name, tag)}/current/link`;
}

export function tagIndexDirectory(name: RepositoryName, tag: TagName): string {
  return `${tagDirectory(name, tag)}/index`;
}

/** Remembers that the tag pointed to `digest` once. */
export function tagIndexLink(name: RepositoryName, tag: TagName, digest: Digest): string {
  return `${tagIndexDirectory(name, tag)}/${digestPath(digest)}/link`;
}

function referrersDirectory(name: RepositoryName): string {
  return `${manifestsDirectory(name)}/referrers`;
}

/** Says that every revision has been looked at for a subject. */
export function referrersIndexed(name: RepositoryName): string {
  return `${referrersDirectory(name)}/indexed`;
}

/** Who names `subject`: a directory for each algorithm. */
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

const UPLOAD_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const CLAIM = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether `text` can name an upload session. Narrower than the original's router, which takes what no driver can hold. */
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

/** The bytes so far, while nobody has claimed them. */
export function uploadData(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/data`;
}

/** The bytes so far, while `claim` has them. Throws UPLOAD_TAKEN_OVER for what is no claim. */
export function uploadClaimedData(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/data.${claim}`;
}

/** What `claim` copies from an older claim that it takes over. Counts for nothing until {@link uploadTakenMark} is there. */
export function uploadCopy(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/copy.${claim}`;
}

/** The older claim's file after `claim` has taken over from it: says that the session's bytes are in {@link uploadCopy} now. */
export function uploadTakenMark(name: RepositoryName, uuid: string, claim: string): string {
  if (!isUploadClaim(claim)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/taken.${claim}`;
}

/** On object storage: which segments have a session's bytes, as JSON. */
export function uploadState(name: RepositoryName, uuid: string): string {
  return `${uploadDirectory(name, uuid)}/state`;
}

/** On object storage: some of a session's bytes. Nobody changes it. Throws UPLOAD_TAKEN_OVER for what is no id. */
export function uploadSegment(name: RepositoryName, uuid: string, id: string): string {
  if (!isUploadClaim(id)) throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
  return `${uploadDirectory(name, uuid)}/segment.${id}`;
}

/** The original's hash states of the bytes so far. We never read them. */
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
