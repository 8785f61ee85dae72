import {
  isManifestMediaType,
  parseManifest,
  type Digest,
  type Registry,
  type RemovedItem,
  type Repository,
  type RepositoryName,
  type StoredManifest,
  type TagName,
} from "@longshore/storage";
import type { EventSettings } from "./contract.js";
import type { EventAction, EventDescriptor, RegistryEvent } from "../event-formats/event.js";
import { isWanted, kindOf } from "./events/filter.js";
import { EventMaker, type EventOrigin } from "./events/make-event.js";
import { describeReferences } from "./events/references.js";

/** The registry as one request uses it: its operations become events without its handler knowing. */
export interface ObservedRegistry {
  readonly registry: Registry;
  /** Sends the pull events once the status is known: a manifest that wasn't sent (304) wasn't pulled. */
  answered(status: number): void;
}

/** Whether any endpoint wants `action`: if none does, a request that can only cause those needs no observer. */
export function wantsAction({ filters }: Pick<EventSettings, "filters">, action: EventAction): boolean {
  return filters.some(({ actions }) => !actions.includes(action));
}

/**
 * `registry` for one request that comes from `origin`, with the events of wire contract §8.4: pushes, mounts and deletes
 * have reached the sink before the call resolves, and so before the client gets its response.
 */
export function observeRequest(registry: Registry, origin: EventOrigin, settings: EventSettings): ObservedRegistry {
  const pulls = new Pulls(settings);
  const makerFor = (name: RepositoryName): EventMaker => new EventMaker(name, origin, settings.source);
  return {
    registry: {
      repository: (name) => observeRepository(registry.repository(name), makerFor(name), pulls, settings),
      repositories: (page) => registry.repositories(page),
      remove: async (name, options) => {
        const removed: RegistryEvent[] = [];
        const make = makerFor(name);
        const onRemoved = (item: RemovedItem): void => {
          options?.onRemoved?.(item);
          if (item.kind === "manifest") removed.push(make.deletion("manifest", item.digest));
          if (item.kind === "tag") removed.push(make.tagDeletion(item.tag));
        };
        try {
          return await registry.remove(name, { ...options, onRemoved });
        } finally {
          // Also what a removal that failed has removed.
          const wanted = wantedEvents(settings, removed);
          if (wanted.length > 0) await settings.sink.record(wanted, true);
        }
      },
    },
    answered: (status) => pulls.send(status),
  };
}

/** The pulls of a request, until its response is sent. */
class Pulls {
  readonly #settings: EventSettings;
  readonly #blobs = new Map<Digest, () => Promise<RegistryEvent> | RegistryEvent>();
  readonly #manifests: RegistryEvent[] = [];

  constructor(settings: EventSettings) {
    this.#settings = settings;
  }

  /** A blob may be looked up more than once for one response. */
  blob(digest: Digest, event: () => Promise<RegistryEvent> | RegistryEvent): void {
    if (!this.#blobs.has(digest)) this.#blobs.set(digest, event);
  }

  manifest(event: RegistryEvent): void {
    this.#manifests.push(event);
  }

  send(status: number): void {
    const events = status === 304 ? [] : this.#manifests.splice(0);
    if (events.length > 0) void this.#settings.sink.record(wantedEvents(this.#settings, events), false);
    for (const make of this.#blobs.values()) void this.#sendBlob(make);
    this.#blobs.clear();
  }

  async #sendBlob(make: () => Promise<RegistryEvent> | RegistryEvent): Promise<void> {
    const event = await Promise.resolve(make()).catch(() => undefined);
    if (event !== undefined) await this.#settings.sink.record(wantedEvents(this.#settings, [event]), false);
  }
}

/** Those of `events` that an endpoint wants. */
export function wantedEvents({ filters }: EventSettings, events: readonly RegistryEvent[]): readonly RegistryEvent[] {
  return events.filter((event) => filters.some((filter) => isWanted(filter, kindOf(event))));
}

function observeRepository(inner: Repository, make: EventMaker, pulls: Pulls, settings: EventSettings): Repository {
  const keep = async (events: readonly RegistryEvent[]): Promise<void> => {
    const wanted = wantedEvents(settings, events);
    if (wanted.length > 0) await settings.sink.record(wanted, true);
  };
  return {
    ...inner,
    blobs: observeBlobs(inner, make, pulls, keep),
    uploads: {
      ...inner.uploads,
      commit: async (uuid, digest, body, options) => {
        const descriptor = await inner.uploads.commit(uuid, digest, body, options);
        await keep([make.blob("push", descriptor.digest, descriptor.size)]);
        return descriptor;
      },
    },
    ...observeManifests(inner, make, pulls, keep, settings.includeReferences),
  };
}

type Keep = (events: readonly RegistryEvent[]) => Promise<void>;

function observeBlobs(inner: Repository, make: EventMaker, pulls: Pulls, keep: Keep): Repository["blobs"] {
  const { blobs } = inner;
  return {
    ...blobs,
    stat: async (digest, options) => {
      const descriptor = await blobs.stat(digest, options);
      pulls.blob(digest, () => make.blob("pull", digest, descriptor.size));
      return descriptor;
    },
    open: async (digest, options) => {
      const stream = await blobs.open(digest, options);
      pulls.blob(digest, () => make.blob("pull", digest, stream.size));
      return stream;
    },
    redirectUrl: async (digest, request, options) => {
      const url = await blobs.redirectUrl(digest, request, options);
      // The size is looked up after the client has its response.
      if (url !== undefined) {
        pulls.blob(digest, async () => make.blob("pull", digest, (await blobs.stat(digest)).size));
      }
      return url;
    },
    mount: async (digest, from, options) => {
      const descriptor = await blobs.mount(digest, from, options);
      await keep([make.blob("mount", digest, descriptor.size, from)]);
      return descriptor;
    },
    delete: async (digest, options) => {
      await blobs.delete(digest, options);
      await keep([make.deletion("blob", digest)]);
    },
  };
}

function observeManifests(
  { manifests, tags }: Repository,
  make: EventMaker,
  pulls: Pulls,
  keep: Keep,
  includeReferences: boolean,
): Pick<Repository, "manifests" | "tags"> {
  // Of what is pulled by tag the first manifest has it: a list's child that is sent in its place doesn't (wire contract §8.4).
  let resolved: { readonly tag: TagName; readonly digest: Digest } | undefined;
  return {
    tags: {
      ...tags,
      resolve: async (tag, options) => {
        const digest = await tags.resolve(tag, options);
        resolved = { tag, digest };
        return digest;
      },
      delete: async (tag, options) => {
        await tags.delete(tag, options);
        await keep([make.tagDeletion(tag)]);
      },
    },
    manifests: {
      ...manifests,
      get: async (digest, options) => {
        const stored = await manifests.get(digest, options);
        const tag = resolved?.digest === digest ? resolved.tag : undefined;
        const content = { mediaType: stored.mediaType, digest, size: stored.bytes.byteLength };
        pulls.manifest(make.manifest("pull", content, tag, includeReferences ? referencesIn(stored) : undefined));
        return stored;
      },
      put: async (push, options) => {
        const pushed = await manifests.put(push, options);
        const references = includeReferences ? describeReferences(pushed.manifest) : undefined;
        // Several tags of one push (distribution-spec §Pushing Manifests) are several pushes to a receiver that follows
        // tags.
        const under: readonly (TagName | undefined)[] = push.tags.length === 0 ? [undefined] : push.tags;
        await keep(under.map((tag) => make.manifest("push", pushed.descriptor, tag, references)));
        return pushed;
      },
      delete: async (digest, options) => {
        const result = await manifests.delete(digest, options);
        await keep([make.deletion("manifest", digest), ...result.removedTags.map((tag) => make.tagDeletion(tag))]);
        return result;
      },
    },
  };
}

function referencesIn({ bytes, mediaType }: StoredManifest): EventDescriptor[] | undefined {
  if (!isManifestMediaType(mediaType)) return undefined;
  try {
    return describeReferences(parseManifest(bytes, mediaType));
  } catch {
    // A manifest that can be served need not be valid.
    return undefined;
  }
}
