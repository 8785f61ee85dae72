import type { ConfigurationSource } from "../config/source.js";
import type { HealthFailures } from "../health/check.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";

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
    }
  | { readonly kind: "health"; readonly failures: HealthFailures }
  | { readonly kind: "metrics"; readonly id: number }
  | { readonly kind: "reload" }
  | { readonly kind: "drain" };

/** What a worker tells the primary. */
export type WorkerMessage =
  | { readonly kind: "hello" }
  | { readonly kind: "ready"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "metrics"; readonly id: number; readonly snapshot: MetricsSnapshot };

const PRIMARY_KINDS: ReadonlySet<unknown> = new Set<PrimaryMessage["kind"]>([
  "start",
  "health",
  "metrics",
  "reload",
  "drain",
]);
const WORKER_KINDS: ReadonlySet<unknown> = new Set<WorkerMessage["kind"]>(["hello", "ready", "failed", "metrics"]);

// Both ends are this program, over a channel that nobody else can write to: the kind tells the shape.

export function isPrimaryMessage(message: unknown): message is PrimaryMessage {
  return typeof message === "object" && message !== null && "kind" in message && PRIMARY_KINDS.has(message.kind);
}

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return typeof message === "object" && message !== null && "kind" in message && WORKER_KINDS.has(message.kind);
}
