import { isDigest, isDigestAlgorithm, type Digest, type DigestAlgorithm } from "../model/digest.js";
import { isRepositoryName, type RepositoryName } from "../model/repository-name.js";
import { isTagName, type TagName } from "../model/tag.js";
import { BLOBS_DIRECTORY, isUploadClaim, isUploadId, REPOSITORIES_DIRECTORY } from "./paths.js";

/** The meaning of a file below the root. */
export type StoredFile =
  { readonly kind: "blob-data"; readonly digest: Digest } | ({ readonly name: RepositoryName } & RepositoryFile);

/** The meaning of a file of a repository. */
type RepositoryFile = ManifestsFile | UploadFile | { readonly kind: "layer-link"; readonly digest: Digest };

type ManifestsFile =
  | { readonly kind: "revision-link"; readonly digest: Digest }
  | { readonly kind: "tag-current-link"; readonly tag: TagName }
  | { readonly kind: "tag-index-link"; readonly tag: TagName; readonly digest: Digest }
  | { readonly kind: "repository-removed" }
  | { readonly kind: "referrers-indexed" }
  | { readonly kind: "referrer-link"; readonly subject: Digest; readonly referrer: Digest };

type ClaimedKind = "upload-claimed-data" | "upload-copy" | "upload-taken-mark" | "upload-segment";

type UploadFile = { readonly uuid: string } & (
  | { readonly kind: "upload-startedat" }
  | { readonly kind: "upload-data" }
  | { readonly kind: "upload-state" }
  | { readonly kind: ClaimedKind; readonly claim: string }
  | { readonly kind: "upload-digest"; readonly algorithm: DigestAlgorithm; readonly offset: number }
);

/**
 * The meaning of the file at `path`: the inverse of paths.ts. Undefined for everything that neither we nor Distribution
 * use, such as leftovers (`*.tmp`), hash states, and the signatures of old schema 1 manifests.
 */
export function parsePath(path: string): StoredFile | undefined {
  if (path.startsWith(`${BLOBS_DIRECTORY}/`)) return parseBlob(path.slice(BLOBS_DIRECTORY.length + 1).split("/"));
  if (!path.startsWith(`${REPOSITORIES_DIRECTORY}/`)) return undefined;
  const segments = path.slice(REPOSITORIES_DIRECTORY.length + 1).split("/");
  // No component of a name begins with an underscore, so the first that does ends the name.
  const end = segments.findIndex((segment) => segment.startsWith("_"));
  const name = segments.slice(0, Math.max(end, 0)).join("/");
  if (!isRepositoryName(name)) return undefined;
  const file = parseRepositoryFile(segments.slice(end));
  return file === undefined ? undefined : { name, ...file };
}

function parseBlob(segments: readonly string[]): StoredFile | undefined {
  const [algorithm, prefix, hex, data] = segments;
  const digest = digestAt(algorithm, hex);
  if (digest === undefined || prefix !== hex?.slice(0, 2) || data !== "data" || segments.length !== 4) return undefined;
  return { kind: "blob-data", digest };
}

function parseRepositoryFile([area, ...rest]: readonly string[]): RepositoryFile | undefined {
  switch (area) {
    case "_layers": {
      const digest = parseLink(rest);
      return digest === undefined ? undefined : { kind: "layer-link", digest };
    }
    case "_manifests":
      return parseManifestsFile(rest);
    case "_uploads":
      return parseUploadFile(rest);
    default:
      return undefined;
  }
}

function parseManifestsFile([area, ...rest]: readonly string[]): ManifestsFile | undefined {
  switch (area) {
    case "revisions": {
      const digest = parseLink(rest);
      return digest === undefined ? undefined : { kind: "revision-link", digest };
    }
    case "tags":
      return parseTagFile(rest);
    case "referrers":
      return parseReferrersFile(rest);
    case "removed":
      return rest.length === 0 ? { kind: "repository-removed" } : undefined;
    default:
      return undefined;
  }
}

function parseTagFile([tag, area, ...rest]: readonly string[]): ManifestsFile | undefined {
  if (tag === undefined || !isTagName(tag)) return undefined;
  if (area === "current")
    return rest.length === 1 && rest[0] === "link" ? { kind: "tag-current-link", tag } : undefined;
  const digest = area === "index" ? parseLink(rest) : undefined;
  return digest === undefined ? undefined : { kind: "tag-index-link", tag, digest };
}

function parseReferrersFile(segments: readonly string[]): ManifestsFile | undefined {
  if (segments.length === 1) return segments[0] === "indexed" ? { kind: "referrers-indexed" } : undefined;
  const subject = digestAt(segments[0], segments[1]);
  const referrer = parseLink(segments.slice(2));
  return subject === undefined || referrer === undefined ? undefined : { kind: "referrer-link", subject, referrer };
}

/** Files of an upload that are named `<this>.<claim>`, or by the id of a segment. */
const CLAIMED_FILES = new Map<string, ClaimedKind>([
  ["data", "upload-claimed-data"],
  ["copy", "upload-copy"],
  ["taken", "upload-taken-mark"],
  ["segment", "upload-segment"],
]);

function parseUploadFile([uuid, file, ...rest]: readonly string[]): UploadFile | undefined {
  if (uuid === undefined || file === undefined || !isUploadId(uuid)) return undefined;
  if (file === "digests") return parseUploadDigest(uuid, rest);
  if (rest.length > 0) return undefined;
  if (file === "startedat") return { kind: "upload-startedat", uuid };
  if (file === "data") return { kind: "upload-data", uuid };
  if (file === "state") return { kind: "upload-state", uuid };
  const dot = file.indexOf(".");
  const kind = CLAIMED_FILES.get(file.slice(0, dot));
  const claim = file.slice(dot + 1);
  return kind !== undefined && isUploadClaim(claim) ? { kind, uuid, claim } : undefined;
}

function parseUploadDigest(uuid: string, segments: readonly string[]): UploadFile | undefined {
  const [algorithm, offset] = segments;
  if (algorithm === undefined || offset === undefined || segments.length !== 2) return undefined;
  if (!isDigestAlgorithm(algorithm) || !/^(?:0|[1-9][0-9]*)$/.test(offset)) return undefined;
  const bytes = Number(offset);
  return Number.isSafeInteger(bytes) ? { kind: "upload-digest", uuid, algorithm, offset: bytes } : undefined;
}

/** The digest of `<alg>/<hex>/link`. */
function parseLink(segments: readonly string[]): Digest | undefined {
  const [algorithm, hex, link] = segments;
  return segments.length === 3 && link === "link" ? digestAt(algorithm, hex) : undefined;
}

/** The digest that directories named `algorithm` and `hex` stand for. */
export function digestAt(algorithm: string | undefined, hex: string | undefined): Digest | undefined {
  const text = `${algorithm ?? ""}:${hex ?? ""}`;
  return isDigest(text) ? text : undefined;
}
