import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { getAsset, isSea } from "node:sea";
import { abortable } from "@longshore/base/abort";
import { Worker } from "node:worker_threads";

/** Compares passwords with bcrypt hashes off the event loop. */
export interface PasswordComparer {
  /**
   * Whether `hash` was made from `password`. Rejects if its thread fails or takes too long, and with the reason of `signal` while
   * it waits for a thread. A comparison that has begun can't be stopped and keeps its thread, whether or not its caller still waits.
   */
  compare(password: string, hash: string, signal?: AbortSignal): Promise<boolean>;
  /** Ends the threads; comparisons under way reject. Idempotent. */
  close(): Promise<void>;
}

/** Options of {@link createBcryptPool}. */
export interface BcryptPoolOptions {
  /** Threads, started on demand. Further comparisons wait for one; the callers bound how many do. */
  readonly threads: number;
  /** The program of the threads; by default bcryptjs. */
  readonly program?: URL | string | undefined;
  /** Milliseconds after which a comparison is abandoned and its thread ended. */
  readonly timeout?: number | undefined;
}

/** Enough for a cost of 18; no client waits longer for an answer. */
const TIMEOUT = 60_000;

/**
 * The program of the threads: beside this file in `dist` and in a bundle, within a single-file executable. Beside the source is none
 * that a thread can load.
 */
function compiledProgram(): URL | string {
  if (isSea()) return new URL(`data:text/javascript,${encodeURIComponent(getAsset("bcrypt-worker.js", "utf8"))}`);
  const beside = new URL("./bcrypt-worker.js", import.meta.url);
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve("@longshore/auth/bcrypt-worker");
}

/** A thread, and whether it is comparing. */
interface Thread {
  readonly worker: Worker;
  busy: boolean;
}

/** A pool of threads, each of which compares one password at a time. */
export function createBcryptPool(options: BcryptPoolOptions): PasswordComparer {
  const { threads, program = compiledProgram(), timeout = TIMEOUT } = options;
  const pool: Thread[] = [];
  const waiting = new Set<() => void>();
  let free = threads;
  let closed = false;

  function start(): Thread {
    const worker = new Worker(program, { name: "bcrypt", stdin: false });
    const thread: Thread = { worker, busy: false };
    pool.push(thread);
    // An idle thread must not keep the process alive; while it compares, the request does.
    worker.unref();
    worker.on("error", () => remove(thread));
    worker.on("exit", () => remove(thread));
    return thread;
  }

  function remove(thread: Thread): void {
    const index = pool.indexOf(thread);
    if (index >= 0) pool.splice(index, 1);
  }

  /** Waits until a thread is free, first come, first served; undefined: one is. */
  function enter(signal: AbortSignal | undefined): Promise<void> | undefined {
    signal?.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return undefined;
    }
    let proceed = (): void => undefined;
    const turn = new Promise<void>((resolve) => (proceed = resolve));
    waiting.add(proceed);
    // A turn that comes in the same moment is passed on.
    return abortable(turn, signal, leave).finally(() => waiting.delete(proceed));
  }

  function leave(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  async function compareOn(thread: Thread, password: string, hash: string): Promise<boolean> {
    const { worker } = thread;
    let timer: NodeJS.Timeout | undefined;
    let settle: (() => void) | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const onMessage = (answer: unknown): void => resolve(answer === true);
        const onError = (error: unknown): void => reject(new Error("a bcrypt thread failed", { cause: error }));
        const onExit = (): void => reject(new Error("a bcrypt thread ended"));
        settle = () => worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        worker.on("message", onMessage).on("error", onError).on("exit", onExit);
        timer = setTimeout(() => {
          remove(thread);
          void worker.terminate();
          reject(new Error(`a bcrypt comparison took longer than ${timeout} ms`));
        }, timeout);
        worker.postMessage({ password, hash });
      });
    } finally {
      clearTimeout(timer);
      settle?.();
    }
  }

  return {
    async compare(password, hash, signal) {
      const turn = enter(signal);
      if (turn !== undefined) await turn;
      try {
        if (closed) throw new Error("the bcrypt threads are closed");
        const thread = pool.find(({ busy }) => !busy) ?? start();
        thread.busy = true;
        try {
          return await compareOn(thread, password, hash);
        } finally {
          thread.busy = false;
        }
      } finally {
        leave();
      }
    },
    async close() {
      closed = true;
      await Promise.all(pool.splice(0).map(({ worker }) => worker.terminate()));
    },
  };
}
