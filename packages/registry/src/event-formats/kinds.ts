import type { EventBody } from "./format.js";
import type { RegistryEvent } from "./event.js";
import { cloudEvents, cloudEventsBinary } from "./cloud-events.js";
import { v1, v2 } from "./distribution.js";

/** The formats that an endpoint can receive, the default first: a new one is a file and a line here. */
export const EVENT_FORMATS = [v2, v1, cloudEvents, cloudEventsBinary] as const;

export type EventFormat = (typeof EVENT_FORMATS)[number]["name"];

/** Renders `event` for an endpoint. Throws for a format that doesn't exist, which a configuration can't name. */
export function renderEvent(event: RegistryEvent, format: EventFormat): EventBody {
  const kind = EVENT_FORMATS.find(({ name }) => name === format);
  if (kind === undefined) throw new Error(`unknown event format ${format}`);
  return kind.render(event);
}
