import { z } from "zod";

const time = z.iso.datetime().meta({ description: "UTC, RFC 3339." });
const count = z.int().nonnegative();
const bytes = count.meta({ description: "Bytes." });

const processSchema = z.strictObject({
  name: z.string().meta({ description: "`single`, `primary`, `worker-1` …" }),
  pid: count,
  started: time,
  memory: z.strictObject({ resident: bytes, heap: bytes }),
  requests: count.optional().meta({ description: "Since it started. Absent: it serves none." }),
  inFlight: count.optional().meta({ description: "Requests that are being answered." }),
  connections: count.optional(),
  storage: z.enum(["answering", "refusing"]).optional().meta({
    description:
      "`refusing`: the last calls to the object storage failed, and further ones are refused for a moment (circuitthreshold).",
  }),
  cache: z
    .strictObject({
      requests: count,
      hits: count,
      shared: z.enum(["available", "unavailable"]).optional().meta({ description: "Redis, if there is one." }),
    })
    .optional(),
});

/** How one process of the registry does. */
export type ProcessReport = Readonly<z.infer<typeof processSchema>>;

const endpoint = z.strictObject({
  name: z.string(),
  host: z.string().meta({ description: "Of its URL: the rest may hold a password." }),
  pending: count.meta({ description: "Events that wait." }),
  events: count,
  successes: count,
  failures: count.meta({ description: "Attempts that were answered, but not with success." }),
  errors: count.meta({ description: "Attempts without an answer." }),
  statuses: z.record(z.string(), count),
  dead: z.record(z.string(), count).meta({ description: "Events that were given up, by reason." }),
});

const upstream = z.strictObject({
  name: z.string(),
  use: z.literal("sync").optional().meta({ description: "Present where `proxy.sync` copies from it." }),
  prefix: z.string().optional().meta({ description: "Empty where every repository is this upstream's." }),
  host: z.string(),
  state: z.enum(["unasked", "reachable", "unreachable", "paused"]),
  pause: z.strictObject({ until: time, reason: z.string(), processes: count }).optional(),
  failingSince: time.optional(),
  lastSuccess: time.optional(),
  lastError: z.strictObject({ at: time, message: z.string() }).optional(),
  rateLimit: z.strictObject({ limit: z.number(), remaining: z.number(), window: z.number().optional() }).optional(),
  processes: count,
});

/** How the registry does, as the API tells administrators. Nothing in it is secret. */
export const statusSchema = z.strictObject({
  version: z.string(),
  health: z.strictObject({
    ready: z.boolean(),
    reasons: z.record(z.string(), z.string()).meta({ description: "Why it isn't ready." }),
    checks: z.array(z.strictObject({ name: z.string(), failure: z.string().optional() })),
  }),
  processes: z.array(processSchema),
  restarts: count.meta({ description: "Workers that died and were replaced." }),
  storage: z.string().meta({ description: "The driver." }),
  endpoints: z.array(endpoint).meta({ description: "Of notifications." }),
  upstreams: z.array(upstream).meta({ description: "Of the pull-through cache, and of `proxy.sync`." }),
});

/** See {@link statusSchema}. */
export type RegistryStatus = z.infer<typeof statusSchema>;

/** Says how the registry does, in whichever process that is asked. */
export interface StatusSource {
  /** Undefined: the registry is still starting. */
  read(): Promise<RegistryStatus | undefined>;
}

/** Passes questions on to a source that opens later than those who ask. */
export interface StatusRelay extends StatusSource {
  connect(source: StatusSource): void;
}

export function createStatusRelay(): StatusRelay {
  let source: StatusSource | undefined;
  return {
    connect: (opened) => void (source = opened),
    read: async () => source?.read(),
  };
}
