import { createStreamReader } from "../lib/event-stream.js";
import { DecodeError, digest, object, optional, repositoryName, tagName, text, type Decoded } from "./decode.js";
import { ApiFailure } from "./failure.js";
import { send } from "./http.js";

const activityEvent = object({
  kind: text,
  time: text,
  repository: optional(repositoryName),
  tag: optional(tagName),
  digest: optional(digest),
  /** A pattern of tags. */
  match: optional(text),
  from: optional(repositoryName),
  account: optional(text),
  address: optional(text),
  agent: optional(text),
});
/** Something that happened, as far as the viewer may know it. */
export type ActivityEvent = Decoded<typeof activityEvent>;

const ending = object({ reason: text });

/** What a stream tells. */
export interface ActivityListener {
  /** The registry has answered: from now on, what happens is told. */
  opened(): void;
  happened(event: ActivityEvent, id: string | undefined): void;
  /** Something is missing here. */
  missed(): void;
  /** Where to go on after what was told so far; undefined: nowhere. */
  reached(id: string | undefined): void;
}

/**
 * Tells of what happens from now on, or after the place `after`. Resolves when the stream ends, with the reason that the registry gives;
 * undefined if the connection broke. Throws ApiFailure if the registry refuses.
 */
export async function watchActivity(
  after: string | undefined,
  listener: ActivityListener,
  signal: AbortSignal,
): Promise<string | undefined> {
  const response = await send("v2/_longshore/catalog/activity", { accept: "text/event-stream", after, signal });
  if (response.body === null) throw new ApiFailure("unexpected", response.status, "the registry streams nothing");
  listener.opened();
  const reader = createStreamReader(after);
  const decoder = new TextDecoder();
  const parts = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await parts.read();
      if (done) return undefined;
      for (const { name, data, id } of reader.read(decoder.decode(value, { stream: true }))) {
        if (name === "activity") listener.happened(decoded(data), id);
        if (name === "missed") listener.missed();
        if (name === "end") return ending(JSON.parse(data), "end").reason;
      }
      listener.reached(reader.lastId);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DecodeError || error instanceof SyntaxError || error instanceof RangeError)
      throw new ApiFailure("unexpected", response.status, error.message);
    return undefined;
  } finally {
    // Whatever comes now is of no use.
    void parts.cancel().catch(() => undefined);
  }
}

function decoded(data: string): ActivityEvent {
  return activityEvent(JSON.parse(data) as unknown, "event");
}
