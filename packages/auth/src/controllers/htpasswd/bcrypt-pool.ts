import { Worker } from "node:worker_threads";

/** Compares passwords with bcrypt hashes somewhere else than on the event loop. */
export interface PasswordComparer {
  /** Whether `password` is the one that `hash` was made of. Rejects when its thread breaks or takes too long. */
  compare(password: string, hash: string): Promise<boolean>;
  /** Ends the threads; what runs is rejected. Idempotent. */
  close(): Promise<void>;
}

/** Options of {@link createBcryptPool}. */
export interface BcryptPoolOptions {
  /** Threads, started when they are first needed. The caller runs no more comparisons than this at a time. */
  readonly threads: number;
  /** The thread's program; bcryptjs where undefined. */
  readonly program?: URL | undefined;
  /** Milliseconds after which a comparison is given up and its thread ended. */
  readonly timeout?: number | undefined;
}

/** As long as a cost of 18 takes: nobody waits longer for an answer. */
const TIMEOUT = 60_000;

/** The compiled program, seen from here both before and after compilation: a thread can't load TypeScript. */
const PROGRAM = new URL("../../../dist/controllers/htpasswd/bcrypt-worker.js", import.meta.url);

/** A thread, and whether it compares. */
interface Seat {
  readonly worker: Worker;
  busy: boolean;
}

/** A pool of threads that compare, one password at a time each. */
export function createBcryptPool(options: BcryptPoolOptions): PasswordComparer {
  const { threads, program = PROGRAM, timeout = TIMEOUT } = options;
  const seats: Seat[] = [];
  let closed = false;

  function open(): Seat {
    const worker = new Worker(program, { name: "bcrypt", stdin: false });
    const seat: Seat = { worker, busy: false };
    seats.push(seat);
    // An idle thread keeps no process alive; a job is waited for by whoever asked.
    worker.unref();
    worker.on("error", () => remove(seat));
    worker.on("exit", () => remove(seat));
    return seat;
  }

  function remove(seat: Seat): void {
    const index = seats.indexOf(seat);
    if (index >= 0) seats.splice(index, 1);
  }

  function take(): Seat {
    const idle = seats.find(({ busy }) => !busy);
    if (idle !== undefined) return idle;
    if (seats.length >= threads) throw new Error("every bcrypt thread is busy");
    return open();
  }

  async function compareOn(seat: Seat, password: string, hash: string): Promise<boolean> {
    const { worker } = seat;
    let timer: NodeJS.Timeout | undefined;
    let settle: (() => void) | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const onMessage = (answer: unknown): void => resolve(answer === true);
        const onError = (error: unknown): void => reject(new Error("a bcrypt thread broke", { cause: error }));
        const onExit = (): void => reject(new Error("a bcrypt thread ended"));
        settle = () => worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        worker.on("message", onMessage).on("error", onError).on("exit", onExit);
        timer = setTimeout(() => {
          remove(seat);
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
    async compare(password, hash) {
      if (closed) throw new Error("the bcrypt threads are closed");
      const seat = take();
      seat.busy = true;
      try {
        return await compareOn(seat, password, hash);
      } finally {
        seat.busy = false;
      }
    },
    async close() {
      closed = true;
      await Promise.all(seats.splice(0).map(({ worker }) => worker.terminate()));
    },
  };
}
