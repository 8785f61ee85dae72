import type { RegistryEvent } from "./event.js";
import type { EventFormatKind } from "./format.js";
import { distributionEvent } from "./distribution.js";

const JSON_TYPE = "application/json";

/** CloudEvents in structured mode. */
export const cloudEvents = {
  name: "cloudevents",
  meaning: "a CloudEvent, entirely in the body",
  render: (event) => {
    const value = { ...cloudAttributes(event), datacontenttype: JSON_TYPE, data: distributionEvent(event, "v2") };
    return { text: JSON.stringify(value), headers: ["Content-Type", "application/cloudevents+json"] };
  },
} as const satisfies EventFormatKind;

/** CloudEvents in binary mode. */
export const cloudEventsBinary = {
  name: "cloudevents-binary",
  meaning: "a CloudEvent with its attributes in headers",
  render: (event) => {
    const attributes = Object.entries(cloudAttributes(event));
    return {
      text: JSON.stringify(distributionEvent(event, "v2")),
      headers: ["Content-Type", JSON_TYPE, ...attributes.flatMap(([name, value]) => [`ce-${name}`, headerText(value)])],
    };
  },
} as const satisfies EventFormatKind;

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

/**
 * CloudEvents HTTP binding §3.1.3.2: percent-encodes everything but printable ASCII, as well as the quote and the percent
 * sign.
 */
function headerText(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
