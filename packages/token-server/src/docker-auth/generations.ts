import type { AccessController } from "@longshore/auth";

/** An access controller, and how many requests it has in progress. */
export interface Generation {
  readonly controller: AccessController;
}

/** Access controllers of which each takes the place of the one before, which is closed when its last request has ended. */
export interface Generations {
  readonly current: Generation;
  /** Not in use yet. */
  create(controller: AccessController): Generation;
  replace(next: Generation): void;
  /** Does `work` with the current one, which stays open meanwhile. */
  use<T>(work: (controller: AccessController) => T | Promise<T>): Promise<T>;
  /** Closes all that are still open, whatever is in progress. */
  close(): Promise<void>;
}

/** `onFault` hears of those that can't be closed. */
export function createGenerations(first: AccessController, onFault: (reason: string) => void): Generations {
  const inProgress = new Map<Generation, number>();
  let current: Generation = { controller: first };
  inProgress.set(current, 0);
  let isClosed = false;

  function close({ controller }: Generation): void {
    controller.close().catch((error: unknown) => {
      onFault(error instanceof Error ? error.message : "unknown fault");
    });
  }

  function closeIfDone(generation: Generation): void {
    if (generation === current || inProgress.get(generation) !== 0) return;
    inProgress.delete(generation);
    close(generation);
  }

  function count(generation: Generation, by: number): void {
    inProgress.set(generation, (inProgress.get(generation) ?? 0) + by);
  }

  return {
    get current() {
      return current;
    },
    create(controller) {
      const generation = { controller };
      // It was being opened meanwhile.
      if (isClosed) close(generation);
      else inProgress.set(generation, 0);
      return generation;
    },
    replace(next) {
      const former = current;
      current = next;
      closeIfDone(former);
    },
    async use(work) {
      const generation = current;
      count(generation, 1);
      try {
        return await work(generation.controller);
      } finally {
        count(generation, -1);
        closeIfDone(generation);
      }
    },
    async close() {
      isClosed = true;
      const open = [...inProgress.keys()];
      inProgress.clear();
      await Promise.all(open.map(({ controller }) => controller.close()));
    },
  };
}
