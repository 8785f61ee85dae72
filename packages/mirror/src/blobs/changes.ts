import { abortable } from "@longshore/base/abort";

/** Tells any number of waiting readers that something has changed. */
export interface Changes {
  /** Grows with each change. */
  readonly version: number;
  announce(): void;
  /** Resolves when there has been a change after `version`. */
  after(version: number, signal?: AbortSignal): Promise<void>;
}

export function createChanges(): Changes {
  let version = 0;
  let next: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  const waiting = (): { readonly promise: Promise<void>; readonly resolve: () => void } => {
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    return { promise, resolve };
  };
  return {
    get version() {
      return version;
    },
    announce() {
      version += 1;
      next?.resolve();
      next = undefined;
    },
    after(seen, signal) {
      if (version !== seen) return Promise.resolve();
      next ??= waiting();
      return abortable(next.promise, signal);
    },
  };
}
