import type { ConfigurationSource } from "../config/source.js";
import type { HealthFailures } from "../health/check.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import type { RegistryEvent } from "../notifications/events/event.js";

/** What the primary tells a worker. */
export type PrimaryMessage =
  | {
      readonly kind: "start";
      /** What the worker is called; its successor, if it dies, is called the same. */
      readonly process: string;
      readonly source: ConfigurationSource;
      readonly instance: string;
      readonly secret: string;
      readonly health: HealthFailures;
      /** Undefined: nobody wants to hear of events. `directory`: where they may be left that the primary doesn't take. */
      readonly events: { readonly directory: string | undefined } | undefined;
    }
  | { readonly kind: "health"; readonly failures: HealthFailures }
  | { readonly kind: "metrics"; readonly id: number }
  | { readonly kind: "reload" }
  | { readonly kind: "events-answer"; readonly id: number; readonly isKept: boolean }
  | { readonly kind: "drain" };

/** What a worker tells the primary. */
export type WorkerMessage =
  | { readonly kind: "hello" }
  | { readonly kind: "ready"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "metrics"; readonly id: number; readonly snapshot: MetricsSnapshot }
  /** Answered with `events-answer`, as soon as they are in the outbox. */
  | {
      readonly kind: "events";
      readonly id: number;
      readonly events: readonly RegistryEvent[];
      readonly durable: boolean;
    };

const PRIMARY_KINDS: ReadonlySet<unknown> = new Set<PrimaryMessage["kind"]>([
  "start",
  "health",
  "metrics",
  "reload",
  "events-answer",
  "drain",
]);
const WORKER_KINDS: ReadonlySet<unknown> = new Set<WorkerMessage["kind"]>([
  "hello",
  "ready",
  "failed",
  "metrics",
  "events",
]);

// Both ends are this program, over a channel that nobody else can write to: the kind tells the shape.

export function isPrimaryMessage(message: unknown): message is PrimaryMessage {
  return typeof message === "object" && message !== null && "kind" in message && PRIMARY_KINDS.has(message.kind);
}

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return typeof message === "object" && message !== null && "kind" in message && WORKER_KINDS.has(message.kind);
}
