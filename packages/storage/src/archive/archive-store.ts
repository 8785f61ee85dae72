import { LRUCache } from "lru-cache";
import type { Registry, Repository } from "../contract/registry.js";
import { isStorageError, StorageError } from "../errors.js";
import * as paths from "../layout/paths.js";
import { createDigester, digestOf, splitDigest, type Digest } from "../model/digest.js";
import type { ManifestReference } from "../model/manifest/references.js";
import { referencesOf } from "../model/manifest/references.js";
import type { TagName } from "../model/tag.js";
import { DEFAULT_VALIDATION, requiredReferences, type ManifestValidation } from "../store/validation.js";
import { manifestIn, tagsOf } from "../copy/copier.js";
import {
  attemptCopy,
  countCopied,
  repositoriesOf,
  type CopiedStore,
  type CopyStoreOptions,
} from "../copy/copy-store.js";

/** How many digests are remembered as archived, of some 200 bytes each; beyond that some are archived twice. */
const REMEMBERED = 500_000;
const PAGE = 100;

/** Takes the files of an archive, one after the other. */
export interface ArchiveSink {
  /** Takes a file at `path`, which begins with a slash, of exactly `size` bytes. A chunk is only valid until the next one. */
  add(path: string, size: number, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
}

export interface ArchiveStoreOptions extends Omit<CopyStoreOptions, "mirror" | "concurrency"> {
  /** What a manifest may lack; Distribution's rules by default. */
  readonly validation?: ManifestValidation | undefined;
}

/**
 * Passes the files of all repositories to `sink`, in the order of pushes (docs/protocols/backup.md), while `source` is pushed to
 * and collected. Each blob is read twice: nothing can be taken back from an archive, so it is verified before. Throws
 * DIGEST_MISMATCH if the second reading shows other bytes: the archive is of no use then.
 */
export async function archiveStore(
  source: Registry,
  sink: ArchiveSink,
  options: ArchiveStoreOptions = {},
): Promise<CopiedStore> {
  const { counts, told } = countCopied(options);
  const stored = new LRUCache<Digest, true>({ max: REMEMBERED });
  for await (const name of repositoriesOf(source, options)) {
    if (options.isLeftOut?.(name) === true) continue;
    options.onRepository?.(name);
    await archiveContents(source.repository(name), { sink, stored, options: told });
    counts.repositories += 1;
  }
  return counts;
}

interface Archive {
  readonly sink: ArchiveSink;
  /** Blobs whose bytes are in the archive. */
  readonly stored: LRUCache<Digest, true>;
  readonly options: ArchiveStoreOptions;
}

async function archiveContents(source: Repository, { sink, stored, options }: Archive): Promise<void> {
  const call = { signal: options.signal };
  const { name } = source;
  const linked = new LRUCache<Digest, true>({ max: REMEMBERED });
  const archived = new LRUCache<Digest, true>({ max: REMEMBERED });

  const link = (path: string, digest: Digest): Promise<void> => {
    const bytes = Buffer.from(digest);
    return sink.add(path, bytes.byteLength, [bytes]);
  };

  /** False if the source doesn't have it. */
  const blob = async (digest: Digest): Promise<boolean> => {
    if (linked.has(digest)) return true;
    if (!stored.has(digest)) {
      try {
        await readThrough(source, digest, options);
      } catch (error) {
        if (isStorageError(error, "BLOB_UNKNOWN")) return false;
        throw error;
      }
      await addBlob(digest);
    }
    await link(paths.layerLink(name, digest), digest);
    linked.set(digest, true);
    options.onCopied?.({ kind: "blob", digest });
    return true;
  };

  const addBlob = async (digest: Digest): Promise<void> => {
    try {
      await readThrough(source, digest, options, (size, bytes) => sink.add(paths.blobData(digest), size, bytes));
    } catch (error) {
      // Not one of the errors that only concern this blob: the archive has a part of it.
      throw new Error(`blob ${digest} changed or was removed while it was archived; begin again`, { cause: error });
    }
    stored.set(digest, true);
  };

  const bring = async ({ kind, descriptor: { digest } }: ManifestReference): Promise<boolean> => {
    if (kind !== "manifest" && (await blob(digest))) return true;
    if (kind === "blob") return false;
    try {
      await manifest(digest);
      return true;
    } catch (error) {
      if (isStorageError(error, "MANIFEST_UNKNOWN")) return false;
      throw error;
    }
  };

  const manifest = async (digest: Digest): Promise<void> => {
    if (archived.has(digest)) return;
    options.signal?.throwIfAborted();
    const found = await source.manifests.get(digest, call);
    const parsed = manifestIn(found);
    const actual = digestOf(found.bytes, splitDigest(digest).algorithm);
    if (actual !== digest) throw new StorageError({ code: "DIGEST_MISMATCH", expected: digest, actual });
    const lacking = new Set<Digest>();
    for (const reference of referencesOf(parsed)) {
      if (!(await bring(reference))) lacking.add(reference.descriptor.digest);
    }
    const required = requiredReferences(parsed, options.validation ?? DEFAULT_VALIDATION);
    const digests = required.map((each) => each.descriptor.digest).filter((each) => lacking.has(each));
    if (digests.length > 0) throw new StorageError({ code: "MANIFEST_REFERENCES_UNKNOWN", digests });
    if (!stored.has(digest)) await sink.add(paths.blobData(digest), found.bytes.byteLength, [found.bytes]);
    stored.set(digest, true);
    await link(paths.revisionLink(name, digest), digest);
    archived.set(digest, true);
    options.onCopied?.({ kind: "manifest", digest });
  };

  const tag = async (as: TagName): Promise<void> => {
    const digest = await source.tags.resolve(as, call);
    await manifest(digest);
    await link(paths.tagIndexLink(name, as, digest), digest);
    await link(paths.tagCurrentLink(name, as), digest);
    options.onCopied?.({ kind: "tag", tag: as, digest });
  };

  let after: string | undefined;
  for (;;) {
    const page = await source.manifests.list({ ...call, after, limit: PAGE });
    for (const digest of page.items) await attemptCopy(source, digest, () => manifest(digest), options);
    after = page.items.at(-1);
    if (!page.more || after === undefined) break;
  }
  for await (const each of tagsOf(source, undefined, call)) {
    await attemptCopy(source, each, () => tag(each), options);
  }
}

type Take = (size: number, bytes: AsyncIterable<Uint8Array>) => Promise<void>;

/** Reads a blob, passing its bytes to `take`, and verifies them. Throws BLOB_UNKNOWN, DIGEST_MISMATCH. */
async function readThrough(
  source: Repository,
  digest: Digest,
  { signal, onBytes }: ArchiveStoreOptions,
  take?: Take,
): Promise<void> {
  const digester = createDigester(splitDigest(digest).algorithm);
  const stream = await source.blobs.open(digest, { signal });
  try {
    const hash = (chunk: Uint8Array): void => {
      signal?.throwIfAborted();
      digester.update(chunk);
    };
    const hashed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of stream) {
        hash(chunk);
        onBytes?.(chunk.byteLength);
        yield chunk;
      }
    };
    if (take === undefined) for await (const chunk of stream) hash(chunk);
    else await take(stream.size, hashed());
  } finally {
    await stream.close();
  }
  const actual = digester.current();
  if (actual !== digest) throw new StorageError({ code: "DIGEST_MISMATCH", expected: digest, actual });
}
