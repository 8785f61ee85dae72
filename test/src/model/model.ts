import { digestOf, DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "@longshore/testkit/fixtures";
import type { KnownManifest } from "./universe.js";

/** What a registry has to answer. Headers that aren't named may be anything; `undefined` says that one must be absent. */
export interface Expected {
  readonly status: number;
  /** The first error's code; looked at where the answer has a body. */
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Exactly these bytes, a JSON document with exactly these values, or several parts; undefined: an error, or nothing. */
  readonly body?: Buffer | { readonly json: unknown } | Parts;
}

/** Some ranges of some content of a type, as `multipart/byteranges`. */
interface Parts {
  readonly parts: readonly (readonly [number, number])[];
  readonly of: Buffer;
  readonly type: string;
}

interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, KnownManifest>;
  readonly tags: Map<string, string>;
}

/** An upload session. */
export interface Session {
  readonly repository: string;
  received: Buffer;
  /** Finished or given up. */
  isGone: boolean;
}

const refuse = (status: number, code: string): Expected => ({ status, code });

const BLOB_UNKNOWN = refuse(404, "BLOB_UNKNOWN");
const MANIFEST_UNKNOWN = refuse(404, "MANIFEST_UNKNOWN");
const UPLOAD_UNKNOWN = refuse(404, "BLOB_UPLOAD_UNKNOWN");
const BAD_DIGEST = refuse(400, "DIGEST_INVALID");
const LISTS = [DOCKER_LIST, OCI_INDEX];

/**
 * The `/v2/` API in its shortest form: what a registry with deletion on, whose storage never fails, answers to one request
 * after another. Everything is a map; nothing is ever collected.
 */
export class Model {
  readonly #repositories = new Map<string, Repository>();
  /** All bytes that were ever pushed, by digest: what a mount that names no repository finds. */
  readonly #stored = new Map<string, Buffer>();

  #at(name: string): Repository {
    const found = this.#repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, found);
    return found;
  }

  #store(name: string, digest: string, bytes: Buffer): Expected {
    this.#stored.set(digest, bytes);
    this.#at(name).blobs.set(digest, bytes);
    return { status: 201, headers: { "docker-content-digest": digest, location: `/v2/${name}/blobs/${digest}` } };
  }

  // Blobs

  getBlob(name: string, digest: string, range?: string, noneMatch?: string): Expected {
    const bytes = this.#at(name).blobs.get(digest);
    if (bytes === undefined) return BLOB_UNKNOWN;
    if (noneMatch === `"${digest}"`) return { status: 304, headers: { etag: noneMatch } };
    return partOf(bytes, range, { "docker-content-digest": digest, etag: `"${digest}"` });
  }

  deleteBlob(name: string, digest: string): Expected {
    return this.#at(name).blobs.delete(digest) ? { status: 202 } : BLOB_UNKNOWN;
  }

  // Uploads

  /** A mount, or else a session. */
  mount(name: string, digest: string, from: string | undefined): Expected {
    const bytes = from === undefined ? this.#stored.get(digest) : this.#at(from).blobs.get(digest);
    return bytes === undefined ? { status: 202, headers: { range: "0-0" } } : this.#store(name, digest, bytes);
  }

  /** A whole blob in one POST. */
  pushBlob(name: string, digest: string, bytes: Buffer, actual: string): Expected {
    return digest === actual ? this.#store(name, digest, bytes) : BAD_DIGEST;
  }

  status(session: Session): Expected {
    return session.isGone ? UPLOAD_UNKNOWN : { status: 204, headers: { range: rangeOf(session) } };
  }

  /** `offset`: where the location or the Content-Range says that the bytes belong. */
  append(session: Session, offset: number, bytes: Buffer): Expected {
    if (session.isGone) return UPLOAD_UNKNOWN;
    if (offset !== session.received.length)
      return { ...refuse(416, "RANGE_INVALID"), headers: { range: rangeOf(session) } };
    session.received = Buffer.concat([session.received, bytes]);
    return { status: 202, headers: { range: rangeOf(session) } };
  }

  commit(session: Session, offset: number, bytes: Buffer, digest: string, hash: (bytes: Buffer) => string): Expected {
    // The answer may have been lost: the blob is what counts.
    const blob = this.#at(session.repository).blobs.get(digest);
    if (session.isGone) return blob === undefined ? UPLOAD_UNKNOWN : this.#store(session.repository, digest, blob);
    const added = this.append(session, offset, bytes);
    if (added.status !== 202) return added;
    session.isGone = true;
    return this.pushBlob(session.repository, digest, session.received, hash(session.received));
  }

  cancel(session: Session): Expected {
    if (session.isGone) return UPLOAD_UNKNOWN;
    session.isGone = true;
    return { status: 204 };
  }

  // Manifests

  putManifest(name: string, reference: string, manifest: KnownManifest, tags: readonly string[]): Expected {
    const { content, isInvalid, blobs = [], manifests = [], either = [], subject } = manifest;
    const repository = this.#at(name);
    const byDigest = reference.includes(":");
    // By tag it is stored as sha256, whatever it was meant to be.
    const digest = byDigest ? content.digest : digestOf(content.bytes);
    if (isInvalid) return refuse(400, "MANIFEST_INVALID");
    if (byDigest && reference !== digest) return BAD_DIGEST;
    const isWhole =
      blobs.every((one) => repository.blobs.has(one)) &&
      manifests.every((one) => repository.manifests.has(one)) &&
      either.every((one) => repository.blobs.has(one) || repository.manifests.has(one));
    if (!isWhole) return refuse(400, "MANIFEST_BLOB_UNKNOWN");
    repository.manifests.set(digest, { ...manifest, content: { ...content, digest } });
    this.#stored.set(digest, content.bytes);
    for (const tag of byDigest ? tags : [reference]) repository.tags.set(tag, digest);
    return {
      status: 201,
      headers: {
        "docker-content-digest": digest,
        location: `/v2/${name}/manifests/${digest}`,
        "oci-subject": subject,
        "oci-tag": byDigest && tags.length > 0 ? [...new Set(tags)].join(", ") : undefined,
      },
    };
  }

  getManifest(name: string, reference: string, accept: string | undefined, range?: string): Expected {
    const repository = this.#at(name);
    const takes = (type: string): boolean => accept === undefined || accept === "*/*" || accept.includes(type);
    let found = repository.manifests.get(repository.tags.get(reference) ?? reference);
    if (found === undefined) return MANIFEST_UNKNOWN;
    if (found.mediaType === OCI_MANIFEST && !takes(OCI_MANIFEST)) return MANIFEST_UNKNOWN;
    if (found.amd64 !== undefined && !reference.includes(":") && !LISTS.some(takes)) {
      // A client that knows no lists is given the image.
      found = repository.manifests.get(found.amd64);
      if (found === undefined) return MANIFEST_UNKNOWN;
      if (!takes(DOCKER_MANIFEST)) return refuse(400, "MANIFEST_INVALID");
    }
    const { digest, bytes } = found.content;
    const headers = { "docker-content-digest": digest, etag: `"${digest}"` };
    return partOf(bytes, range, headers, found.mediaType);
  }

  deleteManifest(name: string, reference: string): Expected {
    const { manifests, tags } = this.#at(name);
    if (!reference.includes(":")) return tags.delete(reference) ? { status: 202 } : MANIFEST_UNKNOWN;
    if (!manifests.delete(reference)) return MANIFEST_UNKNOWN;
    for (const [tag, digest] of tags) if (digest === reference) tags.delete(tag);
    return { status: 202 };
  }

  // Lists

  tags(name: string, page: Page): Expected {
    const { manifests, tags } = this.#at(name);
    const { items, link } = pageOf([...tags.keys()], page, `/v2/${name}/tags/list`);
    if (items.length === 0 && page.n !== 0 && manifests.size === 0) return refuse(404, "NAME_UNKNOWN");
    return { status: 200, headers: { link }, body: { json: { name, tags: items } } };
  }

  referrers(name: string, subject: string, artifactType: string | undefined): Expected {
    const found = [...this.#at(name).manifests.values()]
      .filter((one) => one.subject === subject && (artifactType === undefined || one.artifactType === artifactType))
      .sort((a, b) => (a.content.digest < b.content.digest ? -1 : 1));
    const manifests = found.map(({ content, mediaType, artifactType: type, annotations }) => ({
      mediaType,
      digest: content.digest,
      size: content.bytes.length,
      ...(type === undefined ? {} : { artifactType: type }),
      ...(annotations === undefined ? {} : { annotations }),
    }));
    const headers = { "content-type": OCI_INDEX, "oci-filters-applied": artifactType && "artifactType" };
    return { status: 200, headers, body: { json: { schemaVersion: 2, mediaType: OCI_INDEX, manifests } } };
  }

  catalog(page: Page): Expected {
    const names = [...this.#repositories].filter(([, { manifests }]) => manifests.size > 0).map(([name]) => name);
    const { items, link } = pageOf(names, page, "/v2/_catalog");
    return { status: 200, headers: { link }, body: { json: { repositories: items } } };
  }
}

/** What a client asks of a list. */
interface Page {
  readonly n?: number | undefined;
  readonly last?: string | undefined;
}

function pageOf(
  all: readonly string[],
  { n, last = "" }: Page,
  path: string,
): { items: string[]; link: string | undefined } {
  const behind = all.filter((item) => item > last).sort();
  const items = behind.slice(0, n);
  const query = `last=${encodeURIComponent(items.at(-1) ?? "")}&n=${n}`;
  return {
    items,
    link: items.length > 0 && items.length < behind.length ? `<${path}?${query}>; rel="next"` : undefined,
  };
}

function rangeOf({ received }: Session): string {
  return `0-${Math.max(received.length - 1, 0)}`;
}

/** Content, or what `range` asks of it (RFC 9110 §14). */
function partOf(
  bytes: Buffer,
  range: string | undefined,
  headers: Record<string, string>,
  type = "application/octet-stream",
): Expected {
  const all = { ...headers, "content-type": type };
  if (range === undefined) return { status: 200, headers: all, body: bytes };
  const size = bytes.length;
  const wanted = [...range.matchAll(/(\d*)-(\d*)/g)].map(([, first = "", last = ""]) => {
    if (first === "") return [Math.max(size - Number(last), 0), size - 1] as const;
    return [Number(first), Math.min(last === "" ? Infinity : Number(last), size - 1)] as const;
  });
  const parts = wanted.filter(([start, end]) => start <= end);
  if (wanted.length === 0) return { status: 416, headers: { "content-range": undefined } };
  const [first, second] = parts;
  if (first === undefined) return { status: 416, headers: { "content-range": `bytes */${size}` } };
  if (parts.reduce((sum, [start, end]) => sum + end - start + 1, 0) > size)
    return { status: 200, headers: all, body: bytes };
  if (second !== undefined) return { status: 206, headers, body: { parts, of: bytes, type } };
  const [start, end] = first;
  return {
    status: 206,
    headers: { ...all, "content-range": `bytes ${start}-${end}/${size}` },
    body: bytes.subarray(start, end + 1),
  };
}
