import { abortable } from "@longshore/base/abort";
import { StorageError } from "../../errors.js";

/** The turn of one request to work on a session, within this process. */
export interface Turn {
  /** Aborts with the request, and with UPLOAD_TAKEN_OVER when a newer request wants the session. */
  readonly signal: AbortSignal;
  /** Sets how other requests learn the session's size while this turn adds bytes. */
  measure(size: () => number): void;
}

/** Lets one request of this process at a time work on a session. The newest one wins, because older ones may be stalled. */
export interface UploadTurns {
  /**
   * Aborts the current turn, if `offset` matches its size, waits until it has released everything, and runs `work`. Throws
   * UPLOAD_OFFSET_INVALID.
   */
  take<T>(
    key: string,
    request: { readonly uuid: string; readonly offset?: number | undefined; readonly signal?: AbortSignal | undefined },
    work: (turn: Turn) => Promise<T>,
  ): Promise<T>;
  /** The size that the current turn on `key` has reached; undefined if there is none, or none that adds bytes. */
  size(key: string): number | undefined;
}

interface Running {
  readonly takeOver: () => void;
  readonly done: Promise<void>;
  size: (() => number) | undefined;
}

export function createUploadTurns(): UploadTurns {
  const turns = new Map<string, Running>();

  return {
    size: (key) => turns.get(key)?.size?.(),
    take: async (key, { uuid, offset, signal }, work) => {
      signal?.throwIfAborted();
      const older = turns.get(key);
      const size = older?.size?.();
      if (offset !== undefined && size !== undefined && offset !== size) {
        throw new StorageError({ code: "UPLOAD_OFFSET_INVALID", uuid, offset, size });
      }
      const controller = new AbortController();
      let finish = (): void => undefined;
      const own: Running = {
        takeOver: () => controller.abort(new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid })),
        done: new Promise((resolve) => {
          finish = resolve;
        }),
        size: undefined,
      };
      turns.set(key, own);
      const both = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
      try {
        older?.takeOver();
        await abortable(older?.done ?? Promise.resolve(), both);
        return await work({
          signal: both,
          measure: (measured) => {
            own.size = measured;
          },
        });
      } finally {
        if (turns.get(key) === own) turns.delete(key);
        // The next turn also waits for the previous one, which may still be running if this one was aborted.
        void (older?.done ?? Promise.resolve()).then(finish);
      }
    },
  };
}
