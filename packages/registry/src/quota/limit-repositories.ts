import { quotaScopes, type Amounts, type QuotaRule, type QuotaScope } from "@longshore/policy";
import {
  digestOf,
  isStorageError,
  mapConcurrently,
  parseManifest,
  referencesOf,
  StorageError,
  type Digest,
  type ManifestPush,
  type ManifestReference,
  type Registry,
  type Repository,
  type RepositoryName,
  type TagName,
  type UploadBody,
} from "@longshore/storage";
import { ApiError } from "../errors/api-error.js";
import { NO_HOLDINGS, type Holdings } from "./holdings.js";
import { formatBytes } from "../wording.js";
import { sayAmount, sayUsed } from "./say.js";
import { quotaExceeded, type Reservation, type Reservations } from "./reservations.js";

export interface QuotaPorts {
  readonly rules: readonly QuotaRule[];
  readonly reservations: Reservations;
  /** What is in the storage below a prefix. */
  readonly look: (prefix: string, exactness: "rough" | "exact") => Promise<Look>;
  /** How long an uploaded blob counts that no manifest refers to (ms): until a collection may remove it. */
  readonly unreferencedFor: number;
  /** Called when a push brings something close to its limit. */
  readonly onNear: (warning: string) => void;
}

/** What is below a prefix: exactly, or as it was some seconds ago. */
export interface Look {
  readonly amounts: Amounts;
  /** Whether the repository isn't empty. */
  readonly has: (name: string) => boolean;
}

/** How long a manifest's push may take (ms); its body has arrived when it begins. */
const PUSH = 5 * 60_000;

/**
 * Repositories that refuse what doesn't fit into their quotas (docs/protocols/quota.md). A manifest or a tag has its room before it is
 * written. Blobs are refused when their upload begins, if there is no room at all, and as soon as it shows that they are too
 * large.
 */
export function limitRepositories(registry: Registry, ports: QuotaPorts): Registry {
  return {
    ...registry,
    repository(name) {
      const scopes = quotaScopes(ports.rules, name);
      const repository = registry.repository(name);
      return scopes.length === 0 ? repository : limited(repository, scopes, ports);
    },
  };
}

function limited(inner: Repository, scopes: readonly QuotaScope[], ports: QuotaPorts): Repository {
  const { name } = inner;
  const inBytes = scopes.filter(({ rule }) => rule.bytes !== undefined);
  const inRepositories = scopes.filter(({ rule }) => rule.repositories !== undefined);
  const hold = (parts: ReadonlyMap<Digest, number>): Promise<readonly Reservation[]> =>
    takeAll(inBytes, { ...NO_HOLDINGS, parts }, { lifetime: ports.unreferencedFor, heldFor: name }, ports);

  async function within<T>(wanted: Holdings, work: () => Promise<T>, onWarning?: (text: string) => void): Promise<T> {
    const taken = await takeAll(scopes, wanted, { lifetime: PUSH }, ports);
    try {
      const done = await work();
      for (const { warning } of taken) if (warning !== undefined) onWarning?.(warning);
      return done;
    } finally {
      await Promise.all(taken.map((each) => each.release()));
    }
  }

  /** The body of a session as far as there is room for the whole; what is announced is checked before anything is read. */
  async function bounded(uuid: string, body: UploadBody): Promise<UploadBody> {
    if (inBytes.length === 0) return body;
    const { size } = await inner.uploads.status(uuid);
    const room = await roomFor(size + (body.length ?? 1), inBytes, ports);
    return body.length === undefined ? { ...body, bytes: upTo(body.bytes, size, room, inBytes, ports) } : body;
  }

  /** Ends a session that doesn't fit: what it has received would only take room. */
  async function orEnded<T>(uuid: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ApiError && error.code === "DENIED") await inner.uploads.cancel(uuid).catch(() => undefined);
      throw error;
    }
  }

  return {
    ...inner,
    manifests: {
      ...inner.manifests,
      put: async (push, options) => {
        if (push.incomplete === true) return inner.manifests.put(push, options);
        const wanted = await wantedBy(inner, inBytes.length > 0, push);
        return within(wanted, () => inner.manifests.put(push, options), options?.onWarning);
      },
    },
    tags: {
      ...inner.tags,
      set: (tag, digest, options) =>
        within({ ...NO_HOLDINGS, tags: new Set([tagIn(name, tag)]) }, () => inner.tags.set(tag, digest, options)),
    },
    uploads: {
      ...inner.uploads,
      start: async (options) => {
        await requirePlace(name, inRepositories, ports);
        await roomFor(1, inBytes, ports);
        return inner.uploads.start(options);
      },
      append: (uuid, body, options) =>
        orEnded(uuid, async () => inner.uploads.append(uuid, await bounded(uuid, body), options)),
      commit: async (uuid, digest, body, options) => {
        const descriptor = await orEnded(uuid, async () =>
          inner.uploads.commit(uuid, digest, body === undefined ? undefined : await bounded(uuid, body), options),
        );
        // If there is no room, the blob stays until a collection: another image here may need it, and no manifest gets in with it.
        await hold(new Map([[digest, descriptor.size]]));
        return descriptor;
      },
    },
  };
}

/** Blobs of one manifest that are looked at at a time. */
const CONCURRENCY = 8;

/** All or none. */
async function takeAll(
  scopes: readonly QuotaScope[],
  wanted: Holdings,
  options: Parameters<Reservations["take"]>[2],
  { reservations, onNear }: QuotaPorts,
): Promise<readonly Reservation[]> {
  const taken: Reservation[] = [];
  try {
    for (const scope of scopes) {
      const reservation = await reservations.take(scope, wanted, options);
      taken.push(reservation);
      if (reservation.warning !== undefined) onNear(reservation.warning);
    }
    return taken;
  } catch (error) {
    await Promise.all(taken.map((each) => each.release()));
    throw error;
  }
}

/**
 * What a push adds at most. Quotas go by the sizes that manifests name, so these have to be right: throws DENIED if a blob has another
 * size or, since it could come later with another one, isn't here. No client but one that wants to deceive is mistaken. A manifest that
 * can't be read is refused by the push itself.
 */
async function wantedBy(repository: Repository, isInBytes: boolean, push: ManifestPush): Promise<Holdings> {
  const { name } = repository;
  const digest = push.digest ?? digestOf(push.bytes);
  const parts = new Map<Digest, number>([[digest, push.bytes.byteLength]]);
  const references = blobsOf(push);
  for (const { descriptor } of references) parts.set(descriptor.digest, descriptor.size);
  if (isInBytes) await mapConcurrently(references, CONCURRENCY, (each) => requireRightSize(repository, each));
  return { parts, tags: new Set(push.tags.map((tag) => tagIn(name, tag))), repositories: new Set([name]) };
}

async function requireRightSize({ blobs, manifests }: Repository, reference: ManifestReference): Promise<void> {
  const { kind, descriptor } = reference;
  const { digest, size } = descriptor;
  const actual = await blobs.stat(digest).catch(unlessUnknown);
  if (actual?.size === size) return;
  if (actual !== undefined) {
    throw new ApiError("DENIED", {
      message: `the manifest says that ${digest} has ${size} bytes, but it has ${actual.size}: with a quota sizes must be right`,
    });
  }
  if (kind === "either" && (await manifests.get(digest).catch(unlessUnknown)) !== undefined) return;
  if (reference.required) throw new StorageError({ code: "MANIFEST_REFERENCES_UNKNOWN", digests: [digest] });
  throw new ApiError("DENIED", {
    message: `${digest} isn't in the repository: with a quota of bytes every layer has to be pushed, also those with URLs`,
  });
}

function unlessUnknown(error: unknown): undefined {
  if (isStorageError(error, "BLOB_UNKNOWN") || isStorageError(error, "MANIFEST_UNKNOWN")) return undefined;
  throw error;
}

/** What is, or may be, a blob. */
function blobsOf({ bytes, mediaType }: ManifestPush): readonly ManifestReference[] {
  try {
    return referencesOf(parseManifest(bytes, mediaType)).filter(({ kind }) => kind !== "manifest");
  } catch {
    return [];
  }
}

/** Looks below the prefix, and exactly if it is `full`: what was deleted a moment ago has made room. */
async function lookUnlessFull(prefix: string, { look }: QuotaPorts, isFull: (look: Look) => boolean): Promise<Look> {
  const rough = await look(prefix, "rough");
  return isFull(rough) ? look(prefix, "exact") : rough;
}

/** The least room that any of `scopes` has left; throws DENIED if that is less than `bytes`. */
async function roomFor(bytes: number, scopes: readonly QuotaScope[], ports: QuotaPorts): Promise<number> {
  let room = Infinity;
  for (const { rule, prefix } of scopes) {
    const allowed = rule.bytes ?? Infinity;
    const isFull = ({ amounts }: Look): boolean => amounts.bytes + bytes > allowed;
    const look = await lookUnlessFull(prefix, ports, isFull);
    const used = look.amounts.bytes;
    if (isFull(look)) {
      throw quotaExceeded({
        message: `the quota "${rule.name}" of ${prefix} allows ${formatBytes(allowed)}: ${formatBytes(used)} are used, so that this layer doesn't fit; delete tags that aren't needed, or ask for more`,
        detail: { quota: rule.name, prefix, measure: "bytes", used, allowed },
      });
    }
    room = Math.min(room, allowed - used);
  }
  return room;
}

/** Throws DENIED if the repository is a new one for which there is no place: no manifest would be taken after its layers. */
async function requirePlace(name: RepositoryName, scopes: readonly QuotaScope[], ports: QuotaPorts): Promise<void> {
  for (const { rule, prefix } of scopes) {
    const allowed = rule.repositories ?? Infinity;
    const isFull = ({ amounts, has }: Look): boolean => amounts.repositories >= allowed && !has(name);
    const look = await lookUnlessFull(prefix, ports, isFull);
    const used = look.amounts.repositories;
    if (isFull(look)) {
      throw quotaExceeded({
        message: `the quota "${rule.name}" of ${prefix} allows ${sayAmount("repositories", allowed)}, of which ${sayUsed("repositories", used)}, so that there is no place for ${name}; delete repositories that aren't needed, or ask for more`,
        detail: { quota: rule.name, prefix, measure: "repositories", used, allowed },
      });
    }
  }
}

/** The rest of a session that has `received` bytes. */
async function* upTo(
  bytes: AsyncIterable<Uint8Array>,
  received: number,
  room: number,
  scopes: readonly QuotaScope[],
  ports: QuotaPorts,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = received;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    // Looked at again: there may be more room by now.
    if (size > room) await roomFor(size, scopes, ports);
    yield chunk;
  }
}

function tagIn(name: RepositoryName, tag: TagName): string {
  return `${name}:${tag}`;
}
