import { escapeAsGo } from "../errors/json.js";
import type { EventDescriptor, EventTarget, RegistryEvent } from "./event.js";
import type { EventFormatKind } from "./format.js";

/** That of registry:3. */
export const v2 = envelope("v2", "as `registry:3` sends it");

/** That of registry:2. */
export const v1 = envelope("v1", "as `registry:2` sends it");

function envelope<const V extends "v1" | "v2">(version: V, meaning: string): EventFormatKind & { readonly name: V } {
  return {
    name: version,
    meaning,
    render: (event) => ({
      // As Go's MarshalIndent writes it (wire contract §8.2).
      text: escapeAsGo(JSON.stringify({ events: [distributionEvent(event, version)] }, null, 3)),
      headers: ["Content-Type", `application/vnd.docker.distribution.events.${version}+json`],
    }),
  };
}

/** The event as Distribution writes it, with the keys in its order (wire contract §8.3). */
export function distributionEvent(event: RegistryEvent, version: "v1" | "v2"): object {
  const { id, timestamp, action, target, request, actor, source } = event;
  return {
    id,
    timestamp,
    action,
    target: version === "v2" ? targetV2(target) : targetV1(target),
    request: {
      id: request.id,
      ...(request.addr === "" ? {} : { addr: request.addr }),
      ...(request.host === "" ? {} : { host: request.host }),
      method: request.method,
      useragent: request.useragent,
    },
    actor: actor === "" ? {} : { name: actor },
    source: { addr: source.addr, instanceID: source.instanceID },
  };
}

function targetV2(target: EventTarget): object {
  const { mediaType, digest, size, references } = target;
  return { mediaType, digest, size, ...whereabouts(target), ...(references === undefined ? {} : { references }) };
}

/** registry:2 puts the size before the digest, omits empty fields, and says less about a reference: no platform. */
function targetV1(target: EventTarget): object {
  const references = target.references?.map((reference) => ({
    ...contentV1(reference),
    ...(reference.urls === undefined ? {} : { urls: reference.urls }),
    ...(reference.annotations === undefined ? {} : { annotations: reference.annotations }),
  }));
  return { ...contentV1(target), ...whereabouts(target), ...(references === undefined ? {} : { references }) };
}

function contentV1({ mediaType, digest, size }: Pick<EventDescriptor, "mediaType" | "digest" | "size">): object {
  return {
    ...(mediaType === "" ? {} : { mediaType }),
    ...(size === 0 ? {} : { size }),
    ...(digest === "" ? {} : { digest }),
  };
}

function whereabouts({ size, repository, fromRepository, url, tag }: EventTarget): object {
  return {
    ...(size === 0 ? {} : { length: size }),
    repository,
    ...(fromRepository === undefined ? {} : { fromRepository }),
    ...(url === undefined || url === "" ? {} : { url }),
    ...(tag === undefined ? {} : { tag }),
  };
}
