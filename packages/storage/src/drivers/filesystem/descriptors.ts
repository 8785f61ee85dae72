import { errnoOf, type FileCalls } from "./calls.js";

/** Opens and closes files; when the process has no descriptor left, it waits for one of the driver's own to come back. */
export interface Descriptors {
  open(path: string, flags: string | number): Promise<number>;
  close(fd: number): Promise<void>;
  /** Runs `task`, which opens a descriptor for its own length, with the same patience. */
  patiently<T>(task: () => Promise<T>): Promise<T>;
}

/** Descriptors over `calls`. */
export function createDescriptors(calls: FileCalls): Descriptors {
  const waiting: (() => void)[] = [];
  let held = 0;

  const patiently = async <T>(task: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await task();
      } catch (error) {
        const code = errnoOf(error);
        // Waiting for descriptors that others hold could last for ever: then the error stands.
        if ((code !== "EMFILE" && code !== "ENFILE") || held === 0) throw error;
        await new Promise<void>((resolve) => void waiting.push(resolve));
      }
    }
  };

  return {
    patiently,
    open: async (path, flags) => {
      const fd = await patiently(() => calls.open(path, flags));
      held += 1;
      return fd;
    },
    close: async (fd) => {
      try {
        await calls.close(fd);
      } finally {
        held -= 1;
        // With none held nobody else would wake the rest up.
        if (held === 0) for (const wake of waiting.splice(0)) wake();
        else waiting.shift()?.();
      }
    },
  };
}
