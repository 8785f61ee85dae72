import cluster, { type Worker } from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import type { Log } from "../observability/log.js";
import { isWorkerMessage, type PrimaryMessage, type WorkerMessage } from "./messages.js";

/** How a pool is made. */
export interface WorkerPoolOptions {
  readonly size: number;
  readonly log: Log;
  /** What a worker is told when it says hello. */
  readonly start: () => Extract<PrimaryMessage, { kind: "start" }>;
}

/**
 * Threads for file operations in each worker, unless the environment says otherwise. With the library's four, a handful of
 * syncs keeps every read waiting: beside 32 pushing clients, reads ran 8 to 65 % faster with these in three rounds of four.
 */
const THREADS = "16";
/** A dead worker's successor waits this long (ms), doubled with each death in a row up to the limit. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;
/** A worker that lived this long (ms) was well: its death begins a new row. */
const STABLE = 60_000;
/** A worker that is busy may miss a scrape (ms). */
const SNAPSHOT_TIMEOUT = 3000;

/** The workers of a primary: starts them, replaces the dead, talks to them, and ends them. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #questions = new Map<number, (snapshot: MetricsSnapshot) => void>();
  #nextQuestion = 0;
  #deaths = 0;
  #stopping = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts all workers; resolves with the address when each of them serves. Rejects with the reason of one that can't. */
  async start(): Promise<string> {
    cluster.setupPrimary({ serialization: "advanced" });
    const addresses = await Promise.all(Array.from({ length: this.#options.size }, () => this.#fork()));
    return addresses[0] ?? "";
  }

  broadcast(message: PrimaryMessage): void {
    for (const worker of this.#workers) tell(worker, message);
  }

  /** The metrics of every worker that answers in time. */
  async snapshots(): Promise<MetricsSnapshot[]> {
    const answers = [...this.#workers].map(async (worker) => {
      const id = (this.#nextQuestion += 1);
      const timeout = new AbortController();
      const answer = new Promise<MetricsSnapshot>((resolve) => this.#questions.set(id, resolve));
      tell(worker, { kind: "metrics", id });
      try {
        return await Promise.race([answer, delay(SNAPSHOT_TIMEOUT, undefined, { signal: timeout.signal, ref: false })]);
      } finally {
        this.#questions.delete(id);
        timeout.abort();
      }
    });
    return (await Promise.all(answers)).filter((snapshot) => snapshot !== undefined);
  }

  /** Asks the workers to finish and kills those that haven't after `grace` ms. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.broadcast({ kind: "drain" });
    if (this.#workers.size === 0) return;
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    const timer = setTimeout(() => this.kill(), grace);
    await empty;
    clearTimeout(timer);
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#stopping = true;
    for (const worker of this.#workers) worker.process.kill("SIGKILL");
  }

  #fork(): Promise<string> {
    return new Promise((resolve, reject) => {
      const worker = cluster.fork({ UV_THREADPOOL_SIZE: process.env["UV_THREADPOOL_SIZE"] ?? THREADS });
      const started = Date.now();
      let ready = false;
      this.#workers.add(worker);
      worker.on("error", () => undefined);
      worker.on("message", (message: unknown) => {
        if (!isWorkerMessage(message)) return;
        if (message.kind === "ready") {
          ready = true;
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
        reject(new Error(`a worker ended before it could serve (${end})`));
        if (this.#stopping) {
          if (this.#workers.size === 0) this.#whenEmpty?.();
        } else if (ready) {
          this.#replace(`worker ${worker.process.pid ?? 0} ended (${end})`, Date.now() - started);
        }
      });
    });
  }

  #answer(worker: Worker, message: Exclude<WorkerMessage, { kind: "ready" | "failed" }>): void {
    if (message.kind !== "hello") {
      this.#questions.get(message.id)?.(message.snapshot);
      return;
    }
    tell(worker, this.#options.start());
    // What was sent before the hello is lost: node:cluster takes a worker's messages before the worker listens.
    if (this.#stopping) tell(worker, { kind: "drain" });
  }

  /** Goes on until a worker serves again: the others still do, and what is wrong may pass. */
  #replace(reason: string, lived: number): void {
    this.#deaths = lived >= STABLE ? 1 : this.#deaths + 1;
    const pause = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#deaths - 1));
    this.#options.log.error(`${reason}; another one takes its place in ${pause} ms`);
    // It holds the primary: with all workers dead nothing else does.
    setTimeout(() => {
      if (this.#stopping) return;
      this.#fork().then(
        () => this.#options.log.info("a new worker serves"),
        (error: unknown) =>
          !this.#stopping && this.#replace(error instanceof Error ? error.message : "a worker ended", 0),
      );
    }, pause);
  }
}

function tell(worker: Worker, message: PrimaryMessage): void {
  // A worker that has just died is replaced when its exit is known.
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}
