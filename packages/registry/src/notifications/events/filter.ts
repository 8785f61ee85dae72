import type { EventAction, RegistryEvent } from "../../event-formats/event.js";

/** The properties that a filter examines. */
export interface EventKind {
  readonly action: EventAction;
  readonly mediaType: string;
}

/** The events that an endpoint ignores (wire contract §8.1). */
export interface EventFilter {
  readonly mediaTypes: readonly string[];
  readonly actions: readonly string[];
}

/** Whether `filter` lets the event through: neither its action nor its target's media type is ignored. */
export function isWanted({ actions, mediaTypes }: EventFilter, { action, mediaType }: EventKind): boolean {
  return !actions.includes(action) && !mediaTypes.includes(mediaType);
}

export function kindOf({ action, target }: Pick<RegistryEvent, "action" | "target">): EventKind {
  return { action, mediaType: target.mediaType };
}
