import { MINUTE } from "@longshore/base/duration";
/** The pause between two reads of the storage's id: while it is unknown, and afterwards (ms). */
const UNKNOWN = 2000;
const KNOWN = MINUTE;

/** Distinguishes the keys of one storage from another's. */
export interface Namespace {
  readonly isKnown: boolean;
  /** Throws while it isn't known. */
  current(): string;
  /** Resolves when it is known for the first time. */
  readonly known: Promise<void>;
  close(): void;
}

/**
 * Asks `identify` until it answers, and each minute afterwards: two processes that started at once on a new storage may have
 * given it two ids, of which only one remains. `changed` is called whenever it is another one.
 */
export function openNamespace(identify: () => Promise<string>, changed?: () => void): Namespace {
  let current: string | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let found = (): void => undefined;
  const known = new Promise<void>((resolve) => (found = resolve));

  const ask = async (): Promise<void> => {
    try {
      const next = await identify();
      if (closed) return;
      const isNew = next !== current;
      current = next;
      found();
      if (isNew) changed?.();
    } catch {
      // The storage is unavailable; the id found earlier still holds.
    }
    if (closed) return;
    timer = setTimeout(() => void ask(), current === undefined ? UNKNOWN : KNOWN);
    timer.unref();
  };
  void ask();

  return {
    get isKnown() {
      return current !== undefined;
    },
    current() {
      if (current === undefined) throw new Error("which storage this is isn't known yet");
      return current;
    },
    known,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
