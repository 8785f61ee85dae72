import { ActivityBoard } from "../../activity/board.js";
import { Courier } from "../../activity/courier.js";
import type { ActivityEvent } from "../../activity/event.js";
import type { Activity, Follower } from "../../activity/feed.js";
import type { PrimaryChannel } from "./primary-channel.js";

/** How long events are collected for the primary (ms), and the most that wait for it. */
const GATHER = 50;
const MOST_WAITING = 1000;
/** How long a viewer waits for what the primary remembers (ms), while it gets what happens. */
const PATIENCE = 2000;

/** How a worker watches what happens in all of them. */
export interface WorkerActivityOptions {
  /** The most events that are remembered here while somebody watches here. */
  readonly most: number;
  /** Whether somebody watches anywhere. */
  readonly isWatched: boolean;
  /** ms. */
  readonly linger?: number | undefined;
}

/**
 * A worker's way to what happens in all workers: its own events go to the primary while somebody watches anywhere, and the primary's come
 * here while somebody watches here.
 */
export function createWorkerActivity(
  channel: Pick<PrimaryChannel, "tell" | "onMessage">,
  { most, isWatched, linger }: WorkerActivityOptions,
): Activity {
  let isWatchedAnywhere = isWatched;
  let isSynced = false;
  const courier = new Courier<ActivityEvent>({
    send: ({ items, hasGap }) => channel.tell({ kind: "activity", events: items, hasGap }),
    most: MOST_WAITING,
    gather: GATHER,
  });
  /** Those that want to know what came after a place that only the primary may know. */
  const waiting = new Set<() => void>();
  const settle = (): void => {
    isSynced = true;
    for (const begin of [...waiting]) begin();
  };
  const board = new ActivityBoard({
    most,
    ...(linger === undefined ? {} : { linger }),
    onWatched(isWatchedHere) {
      isSynced = false;
      channel.tell({ kind: "activity-follow", isFollowing: isWatchedHere });
    },
  });
  channel.onMessage((message) => {
    if (message.kind === "activity-watched") isWatchedAnywhere = message.isWatched;
    if (message.kind === "activity-taken") courier.taken();
    if (message.kind === "activity-remembered" && board.isWatched) {
      board.restore(message.entries);
      settle();
    }
    if (message.kind !== "activity-entries") return;
    channel.tell({ kind: "activity-taken" });
    if (!board.isWatched) return;
    if (message.hasGap) board.missed();
    board.accept(message.entries);
  });

  function followAfter(follower: Follower, after: string): () => void {
    let leave = (): void => {
      clearTimeout(timer);
      waiting.delete(begin);
      keep();
    };
    const begin = (): void => {
      clearTimeout(timer);
      waiting.delete(begin);
      const before = keep;
      leave = board.follow(follower, after);
      before();
    };
    // Keeps the board watched until the viewer is there.
    const keep = board.follow({ entries: () => undefined, missed: () => undefined, ended: () => undefined });
    const timer = setTimeout(begin, PATIENCE).unref();
    waiting.add(begin);
    return () => leave();
  }

  return {
    get isWatched() {
      return isWatchedAnywhere;
    },
    get latest() {
      return board.latest;
    },
    record: (event) => courier.add([event]),
    follow: (follower, after) =>
      after === undefined || isSynced ? board.follow(follower, after) : followAfter(follower, after),
    end(reason) {
      for (const begin of [...waiting]) begin();
      board.end(reason);
    },
    flush: () => courier.flush(),
  };
}
