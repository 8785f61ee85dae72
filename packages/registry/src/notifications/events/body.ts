import { escapeAsGo } from "../../errors/json.js";
import type { EventDescriptor, EventTarget, RegistryEvent } from "./event.js";

/** The form that the endpoint is sent: registry:3's, registry:2's, or CloudEvents in either of its HTTP modes. */
export const EVENT_FORMATS = ["v2", "v1", "cloudevents", "cloudevents-binary"] as const;
export type EventFormat = (typeof EVENT_FORMATS)[number];

/** What is posted for an event. */
export interface EventBody {
  readonly text: string;
  /** Name, value, name, value, …; the content type among them. */
  readonly headers: readonly string[];
}

/** Renders `event` for an endpoint. */
export function renderEvent(event: RegistryEvent, format: EventFormat): EventBody {
  switch (format) {
    case "v2":
    case "v1": {
      const value = { events: [distributionEvent(event, format)] };
      return {
        // As Go's MarshalIndent writes it (contract §8.2).
        text: escapeAsGo(JSON.stringify(value, null, 3)),
        headers: ["Content-Type", `application/vnd.docker.distribution.events.${format}+json`],
      };
    }
    case "cloudevents": {
      const value = { ...cloudAttributes(event), datacontenttype: JSON_TYPE, data: distributionEvent(event, "v2") };
      return { text: JSON.stringify(value), headers: ["Content-Type", "application/cloudevents+json"] };
    }
    case "cloudevents-binary": {
      const attributes = Object.entries(cloudAttributes(event));
      return {
        text: JSON.stringify(distributionEvent(event, "v2")),
        headers: [
          "Content-Type",
          JSON_TYPE,
          ...attributes.flatMap(([name, value]) => [`ce-${name}`, headerText(value)]),
        ],
      };
    }
  }
}

const JSON_TYPE = "application/json";

/** The event as the original writes it, in its order of keys (contract §8.3). */
function distributionEvent(event: RegistryEvent, version: "v1" | "v2"): object {
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

/** registry:2 has the size before the digest, leaves out what is empty, and of a reference tells less: no platform. */
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

/** CloudEvents 1.0 §Context Attributes. */
function cloudAttributes(event: RegistryEvent): Readonly<Record<string, string>> {
  const { host } = event.request;
  const { repository, tag, digest } = event.target;
  return {
    specversion: "1.0",
    id: event.id,
    source: `${host === "" ? "" : `//${host}`}/v2/${repository}`,
    type: `longshore.registry.${event.object}.${event.action}`,
    subject: tag ?? digest,
    time: event.timestamp,
  };
}

/** CloudEvents HTTP binding §3.1.3.2: all but printable ASCII, and the quote and the percent sign, percent-encoded. */
function headerText(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
