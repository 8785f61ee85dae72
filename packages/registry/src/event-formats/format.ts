import type { RegistryEvent } from "./event.js";

/** The body posted for an event. */
export interface EventBody {
  readonly text: string;
  /** Name, value, name, value, …; including the content type. */
  readonly headers: readonly string[];
}

/** A format that an endpoint can choose by name. */
export interface EventFormatKind {
  readonly name: string;
  /** What it is, for the reference (Markdown). */
  readonly meaning: string;
  render(event: RegistryEvent): EventBody;
}
