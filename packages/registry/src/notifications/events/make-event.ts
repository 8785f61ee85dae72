import { randomUUID } from "node:crypto";
import { OCTET_STREAM, type Digest, type RepositoryName, type TagName } from "@longshore/storage";
import type { EventSource } from "../contract.js";
import type { EventDescriptor, EventTarget, RegistryEvent } from "../../event-formats/event.js";
import { formatTimestamp } from "./timestamp.js";

/** The request that causes events, as they describe it. */
export interface EventOrigin {
  readonly request: RegistryEvent["request"];
  /** Who did it; empty without authentication. */
  readonly actor: string;
  manifestUrl(name: RepositoryName, digest: Digest): string;
  blobUrl(name: RepositoryName, digest: Digest): string;
}

/** Content with its size. */
interface Content {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Creates the events of one request in one repository (wire contract §8.3). */
export class EventMaker {
  readonly #name: RepositoryName;
  readonly #origin: EventOrigin;
  readonly #source: EventSource;

  constructor(name: RepositoryName, origin: EventOrigin, source: EventSource) {
    this.#name = name;
    this.#origin = origin;
    this.#source = source;
  }

  manifest(
    action: "push" | "pull",
    content: Content,
    tag: TagName | undefined,
    references: EventDescriptor[] | undefined,
  ): RegistryEvent {
    const { mediaType, digest, size } = content;
    return this.#event(action, "manifest", {
      mediaType,
      digest,
      size,
      repository: this.#name,
      url: this.#origin.manifestUrl(this.#name, digest),
      ...(tag === undefined ? {} : { tag }),
      ...(references === undefined || references.length === 0 ? {} : { references }),
    });
  }

  blob(action: "push" | "pull" | "mount", digest: Digest, size: number, from?: RepositoryName): RegistryEvent {
    return this.#event(action, "blob", {
      mediaType: OCTET_STREAM,
      digest,
      size,
      repository: this.#name,
      ...(from === undefined ? {} : { fromRepository: from }),
      url: this.#origin.blobUrl(this.#name, digest),
    });
  }

  deletion(object: "manifest" | "blob", digest: Digest): RegistryEvent {
    return this.#event("delete", object, { mediaType: "", digest, size: 0, repository: this.#name });
  }

  tagDeletion(tag: TagName): RegistryEvent {
    return this.#event("delete", "tag", { mediaType: "", digest: "", size: 0, repository: this.#name, tag });
  }

  #event(action: RegistryEvent["action"], object: RegistryEvent["object"], target: EventTarget): RegistryEvent {
    const { request, actor } = this.#origin;
    const timestamp = formatTimestamp(new Date());
    return { id: randomUUID(), timestamp, action, object, target, request, actor, source: this.#source };
  }
}
