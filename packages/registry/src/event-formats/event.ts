import { z } from "zod";

/** What happened. */
export const ACTIONS = ["push", "pull", "mount", "delete"] as const;
export type EventAction = (typeof ACTIONS)[number];

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number(),
  urls: z.array(z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  data: z.string().optional(),
  platform: z
    .object({
      architecture: z.string(),
      os: z.string(),
      "os.version": z.string().optional(),
      "os.features": z.array(z.string()).optional(),
      variant: z.string().optional(),
    })
    .optional(),
  artifactType: z.string().optional(),
});

/** The descriptor of something a manifest refers to. */
export type EventDescriptor = z.infer<typeof descriptor>;

const target = z.object({
  /** Empty for a delete, as in Distribution. */
  mediaType: z.string(),
  /** Empty when a tag is deleted. */
  digest: z.string(),
  size: z.number(),
  repository: z.string(),
  fromRepository: z.string().optional(),
  url: z.string().optional(),
  tag: z.string().optional(),
  references: z.array(descriptor).optional(),
});

/** What it happened to. */
export type EventTarget = z.infer<typeof target>;

const event = z.object({
  /** A UUID; the same in every attempt to deliver it. */
  id: z.string(),
  /** RFC 3339, in the local time zone. */
  timestamp: z.string(),
  action: z.enum(ACTIONS),
  /** What kind of thing the target is. Distribution has no such field. */
  object: z.enum(["blob", "manifest", "tag"]),
  target,
  request: z.object({
    id: z.string(),
    addr: z.string(),
    host: z.string(),
    method: z.string(),
    useragent: z.string(),
  }),
  /** Who did it; empty without authentication. */
  actor: z.string(),
  source: z.object({ addr: z.string(), instanceID: z.string() }),
  /** For a replayed event, the one endpoint it is for; otherwise absent, for all of them. */
  only: z.string().optional(),
});

/** One event (wire contract §8.3) as it is stored. It is rendered in each endpoint's format when it is sent. */
export type RegistryEvent = z.infer<typeof event>;

/** Parses what {@link formatEvent} wrote; undefined if `text` is no event. */
export function parseEvent(text: string): RegistryEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = event.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** The event as one line of JSON. */
export function formatEvent(value: RegistryEvent): string {
  return JSON.stringify(value);
}
