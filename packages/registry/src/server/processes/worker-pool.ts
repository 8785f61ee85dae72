import type { LoginRegistrar } from "@longshore/auth";
import type { LimitCounter } from "@longshore/policy";
import { aborted } from "@longshore/base/abort";
import { backoff } from "@longshore/base/backoff";
import { withTimeout } from "@longshore/base/timeout";
import cluster, { type Worker } from "node:cluster";
import type { RegistryActivity } from "../../activity/registry-activity.js";
import type { MaintenanceRequests } from "../../maintenance/desk.js";
import { MetricsLedger } from "../../metrics/ledger.js";
import type { MetricsSnapshot } from "../../metrics/metrics.js";
import type { ProcessReport, StatusSource } from "../../status/status.js";
import type { UpstreamStatuses } from "../../mirroring/upstream-states.js";
import type { RegistryEvent } from "../../event-formats/event.js";
import { errorFields, type Log } from "../../observability/log.js";
import { openActivityPost, type ActivityPost } from "./activity-post.js";
import { openLoginDesk, type LoginDesk } from "./login-desk.js";
import { isWorkerMessage, type PrimaryMessage, type StartMessage, type WorkerMessage } from "./primary-channel.js";

/** The options of a pool. */
export interface WorkerPoolOptions {
  readonly size: number;
  readonly log: Log;
  /** The reply to the hello of the worker in a slot (counted from 1). */
  readonly start: (slot: number) => StartMessage;
  /** The count of failed logins that the workers share; undefined disables throttling. */
  readonly logins?: LoginRegistrar | undefined;
  /** Runs what workers ask for. */
  readonly maintenance: MaintenanceRequests;
  /** How the registry does. */
  readonly status: StatusSource;
  /** Counts what clients do for all workers; undefined if there are no limits. */
  readonly limits?: LimitCounter | undefined;
  /** What happens in all workers; undefined: nobody may watch. */
  readonly activity?: RegistryActivity | undefined;
  /** Stores a worker's events; false if they can't be stored. Undefined if workers send none. */
  readonly keepEvents?: ((events: readonly RegistryEvent[], durable: boolean) => Promise<boolean>) | undefined;
}

/**
 * Threads for file operations in each worker, unless the environment says otherwise. With the library's four, a handful of
 * syncs keeps every read waiting: alongside 32 pushing clients, reads ran 8 to 65 % faster with these in three rounds of
 * four.
 */
const THREADS = "16";
/** The pause before a dead worker is replaced (ms), doubled with each consecutive death up to the limit. */
const RESTART_DELAY = { first: 100, longest: 10_000 };
/** A worker that lived this long (ms) was healthy: its death counts as the first again. */
const STABLE = 60_000;
/** How long workers may take to end after their exchanges' grace before they are killed (ms). */
const KILL_AFTER = 3000;
/** A worker that is busy may miss a question (ms). */
const ANSWER_TIMEOUT = 3000;

/** What every worker is asked. */
type Question = "metrics" | "upstreams" | "report";

/** The workers of a primary: starts them, replaces dead ones, talks to them, and ends them. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  /** The live workers with their slots. */
  readonly #workers = new Map<Worker, number>();
  readonly #serving = new Set<Worker>();
  readonly #desks = new Map<Worker, LoginDesk>();
  readonly #posts = new Map<Worker, ActivityPost>();
  readonly #questions = new Map<number, () => void>();
  readonly #ledger = new MetricsLedger();
  /** What each live worker last said of the upstreams. */
  readonly #upstreams = new Map<Worker, UpstreamStatuses>();
  readonly #reports = new Map<Worker, ProcessReport>();
  #nextQuestion = 0;
  #deaths = 0;
  #restarts = 0;
  #stopping = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /**
   * Starts all workers; resolves with the address when each of them serves, or with undefined as soon as `stop` is aborted.
   * Rejects with the reason of one that can't serve.
   */
  async start(stop: AbortSignal): Promise<string | undefined> {
    cluster.setupPrimary({ serialization: "advanced" });
    const slots = Array.from({ length: this.#options.size }, (_, index) => index + 1);
    const addresses = Promise.all(slots.map((slot) => this.#fork(slot)));
    return Promise.race([addresses.then(([first]) => first), aborted(stop).then(() => undefined)]);
  }

  broadcast(message: PrimaryMessage): void {
    for (const worker of this.#workers.keys()) tell(worker, message);
  }

  /** How many workers serve at the moment. */
  get serving(): number {
    return this.#serving.size;
  }

  /** How many workers have died since the start. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * The metrics of all workers: the latest ones of a worker that doesn't reply in time, and the final counts of those that
   * died.
   */
  async snapshots(): Promise<readonly MetricsSnapshot[]> {
    await this.#askAll("metrics");
    return this.#ledger.snapshots();
  }

  /** How each worker sees the upstreams: what it said last, if it doesn't reply in time. */
  async upstreams(): Promise<readonly UpstreamStatuses[]> {
    await this.#askAll("upstreams");
    return [...this.#upstreams.values()];
  }

  /** How each worker does: what it said last, if it doesn't reply in time. */
  async reports(): Promise<readonly ProcessReport[]> {
    await this.#askAll("report");
    return [...this.#reports.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Asks the workers to let exchanges in progress finish within `grace` ms, and kills those that don't end soon after that.
   */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.broadcast({ kind: "drain" });
    if (this.#workers.size === 0) return;
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    const timer = setTimeout(() => this.kill(), grace + KILL_AFTER);
    await empty;
    clearTimeout(timer);
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#stopping = true;
    for (const worker of this.#workers.keys()) worker.process.kill("SIGKILL");
  }

  /** The remaining workers end at once. */
  close(): void {
    this.kill();
  }

  async #askAll(kind: Question): Promise<void> {
    await Promise.all([...this.#serving].map((worker) => this.#ask(worker, kind)));
  }

  async #ask(worker: Worker, kind: Question): Promise<void> {
    const id = (this.#nextQuestion += 1);
    const answer = new Promise<void>((resolve) => this.#questions.set(id, resolve));
    tell(worker, { kind, id });
    try {
      await withTimeout(answer, ANSWER_TIMEOUT, () => undefined);
    } finally {
      this.#questions.delete(id);
    }
  }

  #fork(slot: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const worker = cluster.fork({ UV_THREADPOOL_SIZE: process.env["UV_THREADPOOL_SIZE"] ?? THREADS });
      const started = performance.now();
      let ready = false;
      this.#workers.set(worker, slot);
      this.#desks.set(worker, openLoginDesk(this.#options.logins));
      this.#posts.set(
        worker,
        openActivityPost(this.#options.activity, (message) => tell(worker, message)),
      );
      worker.on("error", () => undefined);
      worker.on("message", (message: unknown) => {
        if (!isWorkerMessage(message)) return;
        if (message.kind === "ready") {
          ready = true;
          this.#serving.add(worker);
          resolve(message.address);
        } else if (message.kind === "failed") {
          reject(new Error(message.message));
        } else {
          this.#answer(worker, message);
        }
      });
      worker.once("exit", (code: number | null, signal: string | null) => {
        const end = signal ?? `exit code ${code ?? 0}`;
        this.#workers.delete(worker);
        this.#desks.get(worker)?.close();
        this.#desks.delete(worker);
        this.#posts.get(worker)?.close();
        this.#posts.delete(worker);
        this.#serving.delete(worker);
        this.#ledger.retire(worker.id);
        this.#upstreams.delete(worker);
        this.#reports.delete(worker);
        reject(new Error(`a worker ended before it could serve (${end})`));
        if (this.#stopping) {
          if (this.#workers.size === 0) this.#whenEmpty?.();
        } else if (ready) {
          this.#replace(slot, `worker ${worker.process.pid ?? 0} ended (${end})`, performance.now() - started);
        }
      });
    });
  }

  #answer(worker: Worker, message: Exclude<WorkerMessage, { kind: "ready" | "failed" }>): void {
    if (message.kind === "events") {
      const { id, events, durable } = message;
      const kept = this.#options.keepEvents?.(events, durable) ?? Promise.resolve(false);
      void kept.then((isKept) => tell(worker, { kind: "events-answer", id, isKept }));
      return;
    }
    if (message.kind === "maintenance") {
      const { id, job, about } = message;
      const requested = this.#options.maintenance.request(job, about).catch(() => undefined);
      void requested.then((run) => tell(worker, { kind: "maintenance-answer", id, run }));
      return;
    }
    if (message.kind === "login" || message.kind === "login-settled") {
      void this.#desks
        .get(worker)
        ?.handle(message)
        .then((answer) => tell(worker, answer));
      return;
    }
    if (message.kind === "activity" || message.kind === "activity-follow" || message.kind === "activity-taken") {
      this.#posts.get(worker)?.handle(message);
      return;
    }
    if (message.kind === "limit") {
      const { id, takes } = message;
      void Promise.resolve(this.#options.limits?.take(takes)).then((taken) =>
        tell(worker, { kind: "limit-answer", id, taken }),
      );
      return;
    }
    if (message.kind === "status") {
      const { id } = message;
      const read = this.#options.status.read().catch((error: unknown) => {
        this.#options.log.warn("how the registry does can't be said", errorFields(error));
        return undefined;
      });
      void read.then((status) => tell(worker, { kind: "status-answer", id, status }));
      return;
    }
    if (message.kind === "hello") this.#welcome(worker);
    else this.#note(worker, message);
  }

  #welcome(worker: Worker): void {
    const slot = this.#workers.get(worker);
    // Its exit may be known before its last messages are read.
    if (slot === undefined) return;
    tell(worker, this.#options.start(slot));
    // Messages sent before the hello are lost: node:cluster consumes a worker's messages before the worker listens.
    if (this.#stopping) tell(worker, { kind: "drain" });
  }

  /** What a worker says when it is asked. */
  #note(worker: Worker, message: Extract<WorkerMessage, { kind: Question }>): void {
    if (!this.#workers.has(worker)) return;
    if (message.kind === "metrics") this.#ledger.note(worker.id, message.snapshot);
    else if (message.kind === "upstreams") this.#upstreams.set(worker, message.statuses);
    else this.#reports.set(worker, message.report);
    this.#questions.get(message.id)?.();
  }

  /** Retries until a worker serves again: the others still do, and the cause may be temporary. */
  #replace(slot: number, reason: string, lived: number): void {
    this.#restarts += 1;
    this.#deaths = lived >= STABLE ? 1 : this.#deaths + 1;
    const pause = backoff(RESTART_DELAY, this.#deaths, 0, 0);
    this.#options.log.error(`${reason}; it will be replaced in ${pause} ms`);
    // Keeps the primary alive: with all workers dead nothing else does.
    setTimeout(() => {
      if (this.#stopping) return;
      this.#fork(slot).then(
        () => this.#options.log.info("a new worker is serving"),
        (error: unknown) =>
          !this.#stopping && this.#replace(slot, error instanceof Error ? error.message : "a worker ended", 0),
      );
    }, pause);
  }
}

function tell(worker: Worker, message: PrimaryMessage): void {
  // A worker that has just died is replaced once its exit is known.
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}
