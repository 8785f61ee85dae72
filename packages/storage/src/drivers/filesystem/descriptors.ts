import { errnoOf } from "@longshore/base/errno";
import type { FileCalls } from "./calls.js";

/** Opens and closes files. If the process has no descriptor left, it waits until the driver closes one. */
export interface Descriptors {
  open(path: string, flags: string | number): Promise<number>;
  close(fd: number): Promise<void>;
  /** Runs `task`, which closes a descriptor that was opened without waiting: until then, others may wait for it. */
  holding<T>(task: () => Promise<T>): Promise<T>;
  /** Runs `task`, which opens a descriptor for as long as it runs, and also waits for one. */
  patiently<T>(task: () => Promise<T>): Promise<T>;
}

/** Descriptors over `calls`. */
export function createDescriptors(calls: FileCalls): Descriptors {
  const waiting: (() => void)[] = [];
  let held = 0;
  let opening = 0;

  const wake = (): void => {
    // If the driver has none to close, nothing would wake the waiters: they try once more, and then give up.
    if (held + opening === 0) for (const retry of waiting.splice(0)) retry();
    else waiting.shift()?.();
  };

  const attempt = async <T>(task: () => Promise<T>): Promise<T> => {
    opening += 1;
    try {
      return await task();
    } finally {
      opening -= 1;
    }
  };

  const patiently = async <T>(task: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await attempt(task);
      } catch (error) {
        const code = errnoOf(error);
        const exhausted = code === "EMFILE" || code === "ENFILE";
        // Waiting for descriptors that others hold could take forever: then the error is passed on.
        if (!exhausted || held + opening === 0) {
          wake();
          throw error;
        }
        await new Promise<void>((resolve) => void waiting.push(resolve));
      }
    }
  };

  const release = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await task();
    } finally {
      held -= 1;
      wake();
    }
  };

  return {
    patiently: async (task) => {
      const value = await patiently(task);
      wake();
      return value;
    },
    open: (path, flags) =>
      patiently(async () => {
        const fd = await calls.open(path, flags);
        held += 1;
        return fd;
      }),
    close: (fd) => release(() => calls.close(fd)),
    holding: (task) => {
      held += 1;
      return release(task);
    },
  };
}
