import type { ActivityEvent } from "../../activity/event.js";
import type { ActivityEntry } from "../../activity/feed.js";
import type { LoginOutcome } from "@longshore/auth";
import type { Take, Taken } from "@longshore/policy";
import type { ConfigurationSource } from "../../config/source.js";
import type { HealthFailures } from "../../health/health-check.js";
import type { RequestedRun, RunRequest } from "../../maintenance/desk.js";
import type { JobName } from "../../maintenance/run.js";
import type { MetricsSnapshot } from "../../metrics/metrics.js";
import type { ProcessReport, RegistryStatus } from "../../status/status.js";
import type { UpstreamStatuses } from "../../mirroring/upstream-states.js";
import type { RegistryEvent } from "../../event-formats/event.js";
import type { HostCertificate } from "../listeners/host-contexts.js";

/** What a worker needs to begin, in answer to its `hello`. */
export interface StartMessage {
  readonly kind: "start";
  /** What the worker is called; its successor, if it dies, is called the same. */
  readonly process: string;
  /** Whether this is the worker that says what is wrong in the files that all of them read. */
  readonly remarksOnFiles: boolean;
  readonly source: ConfigurationSource;
  readonly instance: string;
  readonly secret: string;
  readonly health: HealthFailures;
  /** Those that an authority has issued so far. */
  readonly certificates: readonly HostCertificate[];
  /** Undefined disables notifications. `directory`: where they may be left that the primary doesn't take. */
  readonly events: { readonly directory: string | undefined } | undefined;
  /** Whether somebody watches what happens. */
  readonly isWatched: boolean;
}

/** What the primary tells a worker. */
export type PrimaryMessage =
  | StartMessage
  | { readonly kind: "health"; readonly failures: HealthFailures }
  | { readonly kind: "metrics"; readonly id: number }
  | { readonly kind: "upstreams"; readonly id: number }
  | { readonly kind: "report"; readonly id: number }
  /** Undefined: the registry is still starting, or can't say. */
  | { readonly kind: "status-answer"; readonly id: number; readonly status: RegistryStatus | undefined }
  | { readonly kind: "reload" }
  | { readonly kind: "certificates"; readonly certificates: readonly HostCertificate[] }
  | { readonly kind: "events-answer"; readonly id: number; readonly isKept: boolean }
  /** `wait` as an `Attempt` has it; 0, too, where an attempt was settled. */
  | { readonly kind: "login-answer"; readonly id: number; readonly wait: number }
  /** `run` as {@link MaintenanceRequests.request} resolves. */
  | { readonly kind: "maintenance-answer"; readonly id: number; readonly run: RequestedRun | undefined }
  /** Undefined: the primary counts nothing. */
  | { readonly kind: "limit-answer"; readonly id: number; readonly taken: readonly Taken[] | undefined }
  /** Whether somebody watches what happens, in whichever worker. */
  | { readonly kind: "activity-watched"; readonly isWatched: boolean }
  /** What happened before the worker followed. */
  | { readonly kind: "activity-remembered"; readonly entries: readonly ActivityEntry[] }
  /** What happens, in all workers. Answered with `activity-taken`. */
  | { readonly kind: "activity-entries"; readonly entries: readonly ActivityEntry[]; readonly hasGap: boolean }
  /** The primary has the worker's events. */
  | { readonly kind: "activity-taken" }
  | { readonly kind: "drain" };

/** What a worker tells the primary. */
export type WorkerMessage =
  | { readonly kind: "hello" }
  | { readonly kind: "ready"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "metrics"; readonly id: number; readonly snapshot: MetricsSnapshot }
  | { readonly kind: "upstreams"; readonly id: number; readonly statuses: UpstreamStatuses }
  | { readonly kind: "report"; readonly id: number; readonly report: ProcessReport }
  /** Asks how the registry does. Answered with `status-answer`. */
  | { readonly kind: "status"; readonly id: number }
  /** Asks leave for an attempt to log in. Answered with `login-answer`. */
  | {
      readonly kind: "login";
      readonly id: number;
      readonly account: string;
      readonly remoteAddress: string | undefined;
    }
  /** Settles the attempt that had leave by that id. Answered with `login-answer`. */
  | { readonly kind: "login-settled"; readonly id: number; readonly outcome: LoginOutcome }
  /** Asks for a run of a job. Answered with `maintenance-answer`. */
  | { readonly kind: "maintenance"; readonly id: number; readonly job: JobName; readonly about: RunRequest }
  /** What happens in this worker, while somebody watches. Answered with `activity-taken`. */
  | { readonly kind: "activity"; readonly events: readonly ActivityEvent[]; readonly hasGap: boolean }
  /** Whether somebody watches here what happens in all workers. */
  | { readonly kind: "activity-follow"; readonly isFollowing: boolean }
  | { readonly kind: "activity-taken" }
  /** Counts what a client does. Answered with `limit-answer`. */
  | { readonly kind: "limit"; readonly id: number; readonly takes: readonly Take[] }
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
  "upstreams",
  "report",
  "status-answer",
  "reload",
  "certificates",
  "events-answer",
  "login-answer",
  "maintenance-answer",
  "limit-answer",
  "activity-watched",
  "activity-remembered",
  "activity-entries",
  "activity-taken",
  "drain",
]);
const WORKER_KINDS: ReadonlySet<unknown> = new Set<WorkerMessage["kind"]>([
  "hello",
  "ready",
  "failed",
  "metrics",
  "upstreams",
  "report",
  "status",
  "events",
  "login",
  "login-settled",
  "maintenance",
  "limit",
  "activity",
  "activity-follow",
  "activity-taken",
]);

// Both ends are this program, over a channel that no other program can write to: the kind determines the shape.

function isPrimaryMessage(message: unknown): message is PrimaryMessage {
  return typeof message === "object" && message !== null && "kind" in message && PRIMARY_KINDS.has(message.kind);
}

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return typeof message === "object" && message !== null && "kind" in message && WORKER_KINDS.has(message.kind);
}

/** A worker's channel to the primary. */
export interface PrimaryChannel {
  /** False where it is closed, as it is once the primary has ended. */
  tell(message: WorkerMessage): boolean;
  onMessage(listener: (message: PrimaryMessage) => void): void;
  /** Calls `listener` when the primary is gone. */
  onClose(listener: () => void): void;
}

/** The channel as it is opened: what the worker's process itself does with it. */
interface OpenChannel extends PrimaryChannel {
  /** Says that this worker listens; resolves with what it is to do. */
  hello(): Promise<StartMessage>;
  close(): void;
}

/** Opens this process's channel to the primary that forked it. */
export function openPrimaryChannel(): OpenChannel {
  const channel: PrimaryChannel = {
    tell(message) {
      if (!process.connected) return false;
      process.send?.(message, undefined, undefined, () => undefined);
      return true;
    },
    onMessage(listener) {
      process.on("message", (message) => {
        if (isPrimaryMessage(message)) listener(message);
      });
    },
    onClose: (listener) => void process.once("disconnect", listener),
  };
  return {
    ...channel,
    hello: () =>
      new Promise((resolve) => {
        channel.onMessage((message) => message.kind === "start" && resolve(message));
        channel.tell({ kind: "hello" });
      }),
    close() {
      process.removeAllListeners("disconnect");
      if (process.connected) process.disconnect();
    },
  };
}
