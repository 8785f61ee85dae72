import cluster, { type Worker } from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { MetricsLedger } from "../metrics/ledger.js";
import type { MetricsSnapshot } from "../metrics/metrics.js";
import type { RegistryEvent } from "../notifications/events/event.js";
import type { Log } from "../observability/log.js";
import { isWorkerMessage, type PrimaryMessage, type WorkerMessage } from "./messages.js";

/** How a pool is made. */
export interface WorkerPoolOptions {
  readonly size: number;
  readonly log: Log;
  /** What the worker in that slot (from 1 on) is told when it says hello. */
  readonly start: (slot: number) => Extract<PrimaryMessage, { kind: "start" }>;
  /** Takes a worker's events; false where they can't be kept. Undefined: no worker sends any. */
  readonly keepEvents?: ((events: readonly RegistryEvent[], durable: boolean) => Promise<boolean>) | undefined;
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
  /** Those that live, with their slots. */
  readonly #workers = new Map<Worker, number>();
  readonly #serving = new Set<Worker>();
  readonly #questions = new Map<number, () => void>();
  readonly #ledger = new MetricsLedger();
  #nextQuestion = 0;
  #deaths = 0;
  #restarts = 0;
  #stopping = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts all workers; resolves with the address when each of them serves. Rejects with the reason of one that can't. */
  async start(): Promise<string> {
    cluster.setupPrimary({ serialization: "advanced" });
    const addresses = await Promise.all(
      Array.from({ length: this.#options.size }, (_, index) => this.#fork(index + 1)),
    );
    return addresses[0] ?? "";
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

  /** The metrics of all workers: of one that doesn't answer in time what it told last, of those that died what they counted. */
  async snapshots(): Promise<readonly MetricsSnapshot[]> {
    await Promise.all([...this.#serving].map((worker) => this.#askForSnapshot(worker)));
    return this.#ledger.snapshots();
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
    for (const worker of this.#workers.keys()) worker.process.kill("SIGKILL");
  }

  async #askForSnapshot(worker: Worker): Promise<void> {
    const id = (this.#nextQuestion += 1);
    const over = new AbortController();
    const answer = new Promise<void>((resolve) => this.#questions.set(id, resolve));
    tell(worker, { kind: "metrics", id });
    try {
      await Promise.race([answer, delay(SNAPSHOT_TIMEOUT, undefined, { signal: over.signal, ref: false })]);
    } finally {
      this.#questions.delete(id);
      over.abort();
    }
  }

  #fork(slot: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const worker = cluster.fork({ UV_THREADPOOL_SIZE: process.env["UV_THREADPOOL_SIZE"] ?? THREADS });
      const started = Date.now();
      let ready = false;
      this.#workers.set(worker, slot);
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
        this.#serving.delete(worker);
        this.#ledger.retire(worker.id);
        reject(new Error(`a worker ended before it could serve (${end})`));
        if (this.#stopping) {
          if (this.#workers.size === 0) this.#whenEmpty?.();
        } else if (ready) {
          this.#replace(slot, `worker ${worker.process.pid ?? 0} ended (${end})`, Date.now() - started);
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
    const slot = this.#workers.get(worker);
    // Its exit may be known before its last words are read.
    if (slot === undefined) return;
    if (message.kind === "metrics") {
      this.#ledger.note(worker.id, message.snapshot);
      this.#questions.get(message.id)?.();
      return;
    }
    tell(worker, this.#options.start(slot));
    // What was sent before the hello is lost: node:cluster takes a worker's messages before the worker listens.
    if (this.#stopping) tell(worker, { kind: "drain" });
  }

  /** Goes on until a worker serves again: the others still do, and what is wrong may pass. */
  #replace(slot: number, reason: string, lived: number): void {
    this.#restarts += 1;
    this.#deaths = lived >= STABLE ? 1 : this.#deaths + 1;
    const pause = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#deaths - 1));
    this.#options.log.error(`${reason}; another one takes its place in ${pause} ms`);
    // It holds the primary: with all workers dead nothing else does.
    setTimeout(() => {
      if (this.#stopping) return;
      this.#fork(slot).then(
        () => this.#options.log.info("a new worker serves"),
        (error: unknown) =>
          !this.#stopping && this.#replace(slot, error instanceof Error ? error.message : "a worker ended", 0),
      );
    }, pause);
  }
}

function tell(worker: Worker, message: PrimaryMessage): void {
  // A worker that has just died is replaced when its exit is known.
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}
