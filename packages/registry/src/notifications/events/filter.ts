import type { EventAction, RegistryEvent } from "./event.js";

/** What a filter looks at. */
export interface EventKind {
  readonly action: EventAction;
  readonly mediaType: string;
}

/** What an endpoint doesn't want to hear of (contract §8.1). */
export interface EventFilter {
  readonly mediaTypes: readonly string[];
  readonly actions: readonly string[];
}

/** Whether `filter` lets the event through: neither its action nor its target's media type is one of those left out. */
export function isWanted({ actions, mediaTypes }: EventFilter, { action, mediaType }: EventKind): boolean {
  return !actions.includes(action) && !mediaTypes.includes(mediaType);
}

export function kindOf({ action, target }: Pick<RegistryEvent, "action" | "target">): EventKind {
  return { action, mediaType: target.mediaType };
}
