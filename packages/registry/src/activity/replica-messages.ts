import { isDigest, isRepositoryName, isTagName } from "@longshore/storage";
import { z } from "zod";
import { activityEventSchema, LONGEST } from "./event.js";
import type { NamedEvent } from "./feed.js";

// What replicas tell each other over Redis. Another program may have written it, or a newer version of this one: what a version adds, older
// ones leave out. A form that they can't read needs a new number in the topic's name.

/** Who watches. */
export const WATCH_TOPIC = "activity:1:watch";
/** What happens. Heard and published only while somebody watches. */
export const EVENTS_TOPIC = "activity:1:events";

/** The most events of one message, which is then shorter than the longest that is read (bytes). */
export const MOST_EVENTS = 50;
const MOST_BYTES = 1024 * 1024;

const replica = z.uuid();
const shown = z.string().max(LONGEST).optional();
const repository = z.string().refine(isRepositoryName).optional();

/** As the schema of what viewers get, and bounded. */
const event = z
  .object({
    ...activityEventSchema.shape,
    repository,
    tag: z.string().refine(isTagName).optional(),
    digest: z.string().refine(isDigest).optional(),
    from: repository,
    match: shown,
    account: shown,
    address: shown,
    agent: shown,
  })
  // Who may see an event is decided by its repository.
  .refine((each) => each.kind === "login-refused" || each.repository !== undefined);

const watchMessage = z.discriminatedUnion("kind", [
  /** Whether somebody watches at the replica: repeated, because it counts for a while only. */
  z.object({ kind: z.literal("watching"), replica, isWatching: z.boolean() }),
  /** The replica wants to know who watches. */
  z.object({ kind: z.literal("asking"), replica }),
]);
/** Who watches. */
export type WatchMessage = z.infer<typeof watchMessage>;

const eventsMessage = z.object({
  replica,
  /** One more than that of the replica's last message, or something was lost between them. */
  number: z.int().min(0),
  events: z.array(z.object({ name: z.string().regex(/^[A-Za-z0-9_-]{12}$/), event })).max(MOST_EVENTS),
});
/** What happened at a replica, in order. */
export interface EventsMessage {
  readonly replica: string;
  readonly number: number;
  readonly events: readonly NamedEvent[];
}

/** Undefined: it isn't one. */
export function readWatchMessage(bytes: Uint8Array): WatchMessage | undefined {
  return watchMessage.safeParse(jsonOf(bytes)).data;
}

/** Undefined: it isn't one. */
export function readEventsMessage(bytes: Uint8Array): EventsMessage | undefined {
  return eventsMessage.safeParse(jsonOf(bytes)).data;
}

function jsonOf(bytes: Uint8Array): unknown {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
