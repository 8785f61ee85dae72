import { quotaScopes, type Amounts, type QuotaRule, type QuotaScope } from "@longshore/policy";
import {
  digestOf,
  isStorageError,
  mapConcurrently,
  parseManifest,
  referencesOf,
  type Descriptor,
  type Digest,
  type ManifestPush,
  type Registry,
  type Repository,
  type RepositoryName,
  type TagName,
  type UploadBody,
} from "@longshore/storage";
import { ApiError } from "../errors/api-error.js";
import { NO_HOLDINGS, type Holdings } from "./holdings.js";
import { formatBytes } from "./format-bytes.js";
import { quotaExceeded, type Reservation, type Reservations } from "./reservations.js";

export interface QuotaPorts {
  readonly rules: readonly QuotaRule[];
  readonly reservations: Reservations;
  /** What is in the storage below a prefix; may be some seconds old. */
  readonly roughly: (prefix: string) => Promise<Amounts>;
  /** How long an uploaded blob counts that no manifest refers to (ms): until a collection may remove it. */
  readonly unreferencedFor: number;
  /** Called when a push brings something close to its limit. */
  readonly onNear: (warning: string) => void;
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
  const hold = (parts: ReadonlyMap<Digest, number>): Promise<readonly Reservation[]> =>
    takeAll(inBytes, { ...NO_HOLDINGS, parts }, { lifetime: ports.unreferencedFor, untilStored: true }, ports);

  async function within<T>(wanted: Holdings, work: () => Promise<T>): Promise<T> {
    const taken = await takeAll(scopes, wanted, { lifetime: PUSH }, ports);
    try {
      return await work();
    } finally {
      await Promise.all(taken.map((each) => each.release()));
    }
  }

  return {
    ...inner,
    manifests: {
      ...inner.manifests,
      put: async (push, options) => {
        if (push.incomplete === true) return inner.manifests.put(push, options);
        return within(await wantedBy(inner, push), () => inner.manifests.put(push, options));
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
        await roomFor(1, inBytes, ports);
        return inner.uploads.start(options);
      },
      append: async (uuid, body, options) => inner.uploads.append(uuid, await bounded(body, inBytes, ports), options),
      commit: async (uuid, digest, body, options) => {
        const fitting = body === undefined ? undefined : await bounded(body, inBytes, ports);
        const descriptor = await inner.uploads.commit(uuid, digest, fitting, options);
        try {
          await hold(new Map([[digest, descriptor.size]]));
        } catch (error) {
          // Nothing refers to it: the next collection removes the bytes.
          await inner.blobs.delete(digest);
          throw error;
        }
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
 * What a push adds at most. Throws DENIED for a manifest that gives a blob another size than it has: quotas go by what manifests say,
 * and no client but one that wants to deceive them is mistaken. One that can't be read is refused by the push itself.
 */
async function wantedBy({ name, blobs }: Repository, push: ManifestPush): Promise<Holdings> {
  const digest = push.digest ?? digestOf(push.bytes);
  const parts = new Map<Digest, number>([[digest, push.bytes.byteLength]]);
  await mapConcurrently(blobsOf(push), CONCURRENCY, async (blob) => {
    const actual = await blobs.stat(blob.digest).catch((error: unknown) => {
      if (isStorageError(error, "BLOB_UNKNOWN")) return undefined;
      throw error;
    });
    if (actual !== undefined && actual.size !== blob.size) {
      throw new ApiError("DENIED", {
        message: `the manifest says that ${blob.digest} has ${blob.size} bytes, but it has ${actual.size}: with a quota sizes must be right`,
      });
    }
    parts.set(blob.digest, blob.size);
  });
  return { parts, tags: new Set(push.tags.map((tag) => tagIn(name, tag))), repositories: new Set([name]) };
}

function blobsOf({ bytes, mediaType }: ManifestPush): readonly Descriptor[] {
  try {
    const references = referencesOf(parseManifest(bytes, mediaType));
    return references.filter(({ kind }) => kind === "blob").map(({ descriptor }) => descriptor);
  } catch {
    return [];
  }
}

/** The least room that any of `scopes` has left; throws DENIED if that is less than `bytes`. */
async function roomFor(bytes: number, scopes: readonly QuotaScope[], { roughly }: QuotaPorts): Promise<number> {
  let room = Infinity;
  for (const { rule, prefix } of scopes) {
    const allowed = rule.bytes ?? Infinity;
    const { bytes: used } = await roughly(prefix);
    if (used + bytes > allowed) {
      throw quotaExceeded({
        message: `the quota "${rule.name}" of ${prefix} allows ${formatBytes(allowed)}: ${formatBytes(used)} are used, so that this layer doesn't fit; delete tags that aren't needed, or ask for more`,
        detail: { quota: rule.name, prefix, measure: "bytes", used, allowed },
      });
    }
    room = Math.min(room, allowed - used);
  }
  return room;
}

/** `body` as far as there is room for it; its announced length, if it has one, is checked before anything is read. */
async function bounded(body: UploadBody, scopes: readonly QuotaScope[], ports: QuotaPorts): Promise<UploadBody> {
  if (scopes.length === 0) return body;
  const room = await roomFor(body.length ?? 1, scopes, ports);
  return body.length === undefined ? { ...body, bytes: upTo(body.bytes, room, scopes, ports) } : body;
}

async function* upTo(
  bytes: AsyncIterable<Uint8Array>,
  room: number,
  scopes: readonly QuotaScope[],
  ports: QuotaPorts,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
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
