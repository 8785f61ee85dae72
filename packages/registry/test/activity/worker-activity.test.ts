import { describe, expect, it } from "vitest";
import { ActivityBoard } from "../../src/activity/board.js";
import type { ActivityEntry, Follower } from "../../src/activity/feed.js";
import { RegistryActivity } from "../../src/activity/registry-activity.js";
import type { ActivityEvent } from "../../src/activity/event.js";
import { openActivityPost } from "../../src/server/processes/activity-post.js";
import type { PrimaryMessage, WorkerMessage } from "../../src/server/processes/primary-channel.js";
import { createWorkerActivity } from "../../src/server/processes/worker-activity.js";

const EVENT: ActivityEvent = { kind: "pull", time: "2026-01-01T00:00:00.000Z", repository: "a", digest: "sha256:1" };

/** A primary's side of the channel, and all that it was told. */
function fakeChannel() {
  const told: WorkerMessage[] = [];
  const listeners: ((message: PrimaryMessage) => void)[] = [];
  return {
    told,
    kinds: () => told.map(({ kind }) => kind),
    tell: (message: WorkerMessage) => told.push(message) > 0,
    onMessage: (listener: (message: PrimaryMessage) => void) => void listeners.push(listener),
    say: (message: PrimaryMessage) => listeners.forEach((listener) => listener(message)),
  };
}

function collector() {
  const seen: string[] = [];
  const follower: Follower = {
    entries: (entries) => seen.push(...entries.map(({ id }) => id)),
    missed: () => seen.push("missed"),
    ended: (reason) => seen.push(reason),
  };
  return { seen, follower };
}

describe("a worker", () => {
  it("tells the primary nothing while nobody watches, and one batch at a time while somebody does", async () => {
    const channel = fakeChannel();
    const activity = createWorkerActivity(channel, { most: 100, isWatched: false });
    expect(activity.isWatched).toBe(false);
    expect(channel.told).toEqual([]);

    channel.say({ kind: "activity-watched", isWatched: true });
    expect(activity.isWatched).toBe(true);
    for (let index = 0; index < 3; index += 1) activity.record(EVENT);
    await expect.poll(channel.told.at.bind(channel.told, -1)).toEqual({
      kind: "activity",
      events: [EVENT, EVENT, EVENT],
      hasGap: false,
    });
    for (let index = 0; index < 5000; index += 1) activity.record(EVENT);
    channel.say({ kind: "activity-taken" });
    await expect.poll(() => channel.told.length).toBe(2);
    // The most that waits, and that the rest is missing.
    expect(channel.told[1]).toMatchObject({ hasGap: true, events: { length: 1000 } });
    channel.say({ kind: "activity-watched", isWatched: false });
    expect(activity.isWatched).toBe(false);
    activity.end("shutdown");
  });

  it("waits for what the primary remembers before it shows what came after a place", () => {
    const channel = fakeChannel();
    const activity = createWorkerActivity(channel, { most: 100, isWatched: false });
    const entries: ActivityEntry[] = ["a", "b", "c"].map((id) => ({ id, event: EVENT }));
    const [late, fresh] = [collector(), collector()];
    const leave = activity.follow(late.follower, "a");
    activity.follow(fresh.follower);
    expect(channel.told).toEqual([{ kind: "activity-follow", isFollowing: true }]);
    expect(late.seen).toEqual([]);
    channel.say({ kind: "activity-remembered", entries });
    expect(late.seen).toEqual(["b", "c"]);
    channel.say({ kind: "activity-entries", entries: [{ id: "d", event: EVENT }], hasGap: false });
    expect([late.seen.at(-1), fresh.seen]).toEqual(["d", ["d"]]);
    channel.say({ kind: "activity-entries", entries: [{ id: "f", event: EVENT }], hasGap: true });
    expect(fresh.seen).toEqual(["d", "missed", "f"]);
    leave();
    activity.end("shutdown");
    expect([late.seen.at(-1), fresh.seen.at(-1)]).toEqual(["f", "shutdown"]);
    expect(channel.kinds()).toEqual(["activity-follow", "activity-taken", "activity-taken", "activity-follow"]);
  });

  it("that doesn't keep up costs the primary a bounded memory, and learns that it missed something", async () => {
    const told: PrimaryMessage[] = [];
    const board = new RegistryActivity({ most: 10 });
    const post = openActivityPost(board, (message) => told.push(message));
    post.handle({ kind: "activity-follow", isFollowing: true });
    expect(told).toEqual([{ kind: "activity-remembered", entries: [] }]);
    board.record(EVENT);
    await expect.poll(() => told.length).toBe(2);
    for (let index = 0; index < 10_000; index += 1) board.record(EVENT);
    post.handle({ kind: "activity-taken" });
    await expect.poll(() => told.length).toBe(3);
    expect(told[2]).toMatchObject({ kind: "activity-entries", hasGap: true, entries: { length: 2000 } });
    expect(board.entries).toHaveLength(10);
    post.close();
    board.record(EVENT);
    board.end("shutdown");
  });
});

describe("a board", () => {
  it("remembers for a while after the last viewer left, and then takes nothing in", async () => {
    const watched: boolean[] = [];
    const board = new ActivityBoard({ most: 10, linger: 50, onWatched: (isWatched) => watched.push(isWatched) });
    const add = (): void => board.add([{ name: "a", event: EVENT }]);
    add();
    const leave = board.follow(collector().follower);
    add();
    leave();
    add();
    expect([board.entries.length, board.isWatched]).toEqual([2, true]);
    await expect.poll(() => board.isWatched).toBe(false);
    add();
    expect([board.entries, watched]).toEqual([[], [true, false]]);
  });
});
