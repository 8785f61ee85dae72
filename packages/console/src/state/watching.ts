import { signal, type ReadonlySignal } from "@preact/signals";
import { watchActivity, type ActivityEvent } from "../api/activity.js";
import type { ApiFailure } from "../api/failure.js";
import { failureOf } from "./resource.js";
import { refreshSession } from "./session.js";

/** An event in the list, or a place where some are missing. */
export interface Happening {
  readonly key: string;
  /** Undefined: a gap. */
  readonly event: ActivityEvent | undefined;
}

/** `connecting`: for the first time; `waiting`: the connection broke, and is tried again. */
type WatchState = "connecting" | "live" | "waiting" | "failed";

/** What was told, newest first, and whether more is. */
export interface Watching {
  readonly happenings: ReadonlySignal<readonly Happening[]>;
  readonly state: ReadonlySignal<WatchState>;
  /** Of the state `failed`. */
  readonly failure: ReadonlySignal<ApiFailure | undefined>;
  /** How many were told at all. */
  readonly count: ReadonlySignal<number>;
  /** Watches until the returned function is called. What was told stays. */
  start(): () => void;
}

/** The most that are kept. */
export const MOST_HAPPENINGS = 500;

/** The pause before another try (ms), longer each time. */
const PAUSES = [1000, 3000, 10_000, 30_000];

export function createWatching(): Watching {
  const happenings = signal<readonly Happening[]>([]);
  const state = signal<WatchState>("connecting");
  const failure = signal<ApiFailure | undefined>(undefined);
  const count = signal(0);
  let lastId: string | undefined;

  function add(event: ActivityEvent | undefined, id?: string): void {
    const before = happenings.peek();
    const [newest] = before;
    // Several gaps at once are one.
    if (event === undefined && newest?.event === undefined) return;
    // What is before the dot names the event, in whichever replica's order.
    const key = id?.split(".", 1)[0] ?? `gap-${count.peek()}`;
    // After a gap, the registry tells all that it knows.
    if (before.some((each) => each.key === key)) return;
    count.value += 1;
    happenings.value = [{ key, event }, ...before].slice(0, MOST_HAPPENINGS);
  }

  async function watch(ending: AbortSignal): Promise<void> {
    const isOver = (): boolean => ending.aborted;
    for (let tries = 0; !isOver(); tries += 1) {
      try {
        const opened = (): void => {
          tries = 0;
          state.value = "live";
        };
        const missed = (): void => add(undefined);
        const reached = (id: string | undefined): void => void (lastId = id);
        const reason = await watchActivity(lastId, { opened, happened: add, missed, reached }, ending);
        // Who is looking now may be another: the page is built anew for them.
        if (reason === "access") await refreshSession();
      } catch (error) {
        if (isOver()) return;
        const failed = failureOf(error);
        if (failed.kind !== "unreachable" && failed.kind !== "busy") {
          failure.value = failed;
          state.value = "failed";
          return;
        }
      }
      if (isOver()) return;
      state.value = "waiting";
      await pause(PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 0, ending);
    }
  }

  return {
    happenings,
    state,
    failure,
    count,
    start() {
      const controller = new AbortController();
      if (state.peek() !== "connecting") state.value = "waiting";
      failure.value = undefined;
      void watch(controller.signal);
      return () => controller.abort();
    },
  };
}

/** Shorter if the page comes back to the front, or the network does. */
function pause(length: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener("online", end);
      until.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, length);
    addEventListener("online", end);
    until.addEventListener("abort", end);
  });
}
