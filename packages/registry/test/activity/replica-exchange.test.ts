import { randomUUID } from "node:crypto";
import type { ChannelListener } from "@longshore/storage";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ActivityEvent } from "../../src/activity/event.js";
import type { Follower } from "../../src/activity/feed.js";
import { RegistryActivity } from "../../src/activity/registry-activity.js";
import { ReplicaExchange } from "../../src/activity/replica-exchange.js";
import { EVENTS_TOPIC, WATCH_TOPIC } from "../../src/activity/replica-messages.js";

/** A Redis that passes messages on at once, to those who are connected. */
class FakeRedis {
  readonly published: { readonly topic: string; readonly text: string }[] = [];
  readonly #members = new Set<Member>();
  isSilent = false;

  open(): Member {
    const member = new Member(this);
    this.#members.add(member);
    return member;
  }

  publish(topic: string, text: string): void {
    this.published.push({ topic, text });
    if (this.isSilent) return;
    for (const member of this.#members) member.hear(topic, text);
  }

  events(): number {
    return this.published.filter(({ topic }) => topic === EVENTS_TOPIC).length;
  }
}

class Member {
  readonly #redis: FakeRedis;
  readonly #topics = new Set<string>();
  #listener: ChannelListener | undefined;
  isConnected = true;
  isClosed = false;
  rejoined = 0;

  constructor(redis: FakeRedis) {
    this.#redis = redis;
  }

  begin(listener: ChannelListener): void {
    this.#listener = listener;
    listener.joined();
  }
  join(topic: string): void {
    this.#topics.add(topic);
    if (this.isConnected) this.#listener?.joined();
  }
  leave(topic: string): void {
    this.#topics.delete(topic);
  }
  rejoin(): void {
    this.rejoined += 1;
    if (this.isConnected) this.#listener?.joined();
  }
  publish(topic: string, text: string): Promise<void> {
    if (!this.isConnected) return Promise.reject(new Error("not connected"));
    this.#redis.publish(topic, text);
    return Promise.resolve();
  }
  close(): void {
    this.isClosed = true;
  }
  hear(topic: string, text: string): void {
    if (this.isConnected && this.#topics.has(topic)) this.#listener?.message(topic, new TextEncoder().encode(text));
  }
  cut(): void {
    this.isConnected = false;
    this.#listener?.lost("cut");
  }
  mend(): void {
    this.isConnected = true;
    this.#listener?.joined();
  }
}

function eventOf(tag: string): ActivityEvent {
  return { kind: "push", time: "2026-01-01T00:00:00.000Z", repository: "team/app", tag, account: "ann" };
}

function openReplica(redis: FakeRedis) {
  const channels = redis.open();
  const activity = new RegistryActivity({ most: 100, linger: 100 });
  const told: boolean[] = [];
  activity.onWatched((isWatched) => told.push(isWatched));
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const exchange = activity.share(
    (listener) => new ReplicaExchange(listener, { replica: randomUUID(), channels, log }),
  );
  /** What a viewer is told, and the way out. */
  const watch = (after?: string) => {
    const seen: string[] = [];
    const ids: string[] = [];
    const follower: Follower = {
      entries: (entries) => {
        seen.push(...entries.map(({ event }) => event.tag ?? ""));
        ids.push(...entries.map(({ id }) => id));
      },
      missed: () => seen.push("missed"),
      ended: (reason) => seen.push(reason),
    };
    return { seen, ids, leave: activity.follow(follower, after) };
  };
  return { activity, channels, exchange, told, warnings, watch, push: (tag: string) => activity.record(eventOf(tag)) };
}

describe("replicas", () => {
  let redis: FakeRedis;
  let one: ReturnType<typeof openReplica>;
  let other: ReturnType<typeof openReplica>;
  beforeEach(() => {
    vi.useFakeTimers();
    redis = new FakeRedis();
    one = openReplica(redis);
    other = openReplica(redis);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all([one.exchange.close(), other.exchange.close()]);
  });
  /** Long enough for a batch. */
  const soon = () => vi.advanceTimersByTimeAsync(150);

  it("say nothing while nobody watches, and only those where nobody watches alone publish what happens", async () => {
    one.push("unseen");
    await vi.advanceTimersByTimeAsync(60_000);
    // Each has asked once who watches.
    expect([redis.published.length, redis.events(), one.activity.isWatched]).toEqual([2, 0, false]);
    const viewer = one.watch();
    expect([one.activity.isWatched, other.activity.isWatched]).toEqual([true, true]);
    one.push("here");
    await soon();
    expect(redis.events()).toBe(0);
    for (let count = 0; count < 120; count += 1) other.push(`there-${count}`);
    await soon();
    expect(viewer.seen.slice(0, 2)).toEqual(["here", "there-0"]);
    expect([viewer.seen.length, redis.events()]).toEqual([121, 3]);
    viewer.leave();
    await vi.advanceTimersByTimeAsync(200);
    expect([one.activity.isWatched, other.activity.isWatched, other.told]).toEqual([false, false, [true, false]]);
    const before = redis.published.length;
    other.push("unseen");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(redis.published.length).toBe(before);
  });

  it("that died while somebody watched there count as watched no longer than that lasts", async () => {
    one.watch();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(other.activity.isWatched).toBe(true);
    one.channels.cut();
    await vi.advanceTimersByTimeAsync(9000);
    expect(other.activity.isWatched).toBe(true);
    await vi.advanceTimersByTimeAsync(7000);
    expect(other.activity.isWatched).toBe(false);
  });

  it("that come later ask who watches", async () => {
    one.watch();
    const third = openReplica(redis);
    expect(third.activity.isWatched).toBe(false);
    await soon();
    expect(third.activity.isWatched).toBe(true);
    await third.exchange.close();
    expect(third.channels.isClosed).toBe(true);
  });

  it("say that others' events are missing when Redis is gone, go on with their own, and come back", async () => {
    const viewer = one.watch();
    other.push("before");
    await soon();
    one.channels.cut();
    one.push("mine");
    other.push("theirs");
    await soon();
    expect(viewer.seen).toEqual(["before", "missed", "mine"]);
    expect(one.warnings).toHaveLength(1);
    one.channels.mend();
    other.push("after");
    await soon();
    expect(viewer.seen).toEqual(["before", "missed", "mine", "missed", "missed", "after"]);
    expect(one.warnings).toHaveLength(1);
  });

  it("notice that Redis has gone silent, without being told", async () => {
    const viewer = one.watch();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(viewer.seen).toEqual([]);
    redis.isSilent = true;
    one.push("mine");
    expect(viewer.seen).toEqual(["mine"]);
    await vi.advanceTimersByTimeAsync(8000);
    expect(viewer.seen).toEqual(["mine", "missed"]);
    expect(one.channels.rejoined).toBeGreaterThan(0);
    redis.isSilent = false;
    await vi.advanceTimersByTimeAsync(3000);
    expect(viewer.seen).toEqual(["mine", "missed", "missed"]);
  });

  it("keep what they can't send for a while, within bounds, and say that the rest is missing", async () => {
    const viewer = one.watch();
    other.push("first");
    await soon();
    other.channels.cut();
    for (let count = 0; count < 5000; count += 1) {
      other.push(`${count}`);
      if (count === 0) await soon();
    }
    await soon();
    expect(viewer.seen).toEqual(["first"]);
    other.channels.mend();
    await vi.advanceTimersByTimeAsync(3000);
    expect(viewer.seen.slice(0, 3)).toEqual(["first", "missed", "1"]);
    expect(viewer.seen).toHaveLength(2 + 500);
  });

  it("that were cut off for longer than a viewer counts say that something is missing", async () => {
    const viewer = one.watch();
    other.push("first");
    await soon();
    other.channels.cut();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(other.activity.isWatched).toBe(false);
    other.push("lost");
    other.channels.mend();
    await soon();
    expect(other.activity.isWatched).toBe(true);
    other.push("second");
    await soon();
    expect(viewer.seen).toEqual(["first", "missed", "second"]);
  });

  it("give the same event the same name, and each its own place", async () => {
    const [here, there] = [one.watch(), other.watch()];
    one.push("a");
    other.push("b");
    await soon();
    const names = (ids: readonly string[]) => ids.map((id) => id.split(".")[0]).sort();
    expect([here.seen, there.seen]).toEqual([
      ["a", "b"],
      ["b", "a"],
    ]);
    expect(names(here.ids)).toEqual(names(there.ids));
    expect(new Set([...here.ids, ...there.ids]).size).toBe(4);
    expect(one.watch(here.ids[0]).seen).toEqual(["b"]);
    // In its order, the other was told of everything by then; here it wasn't.
    expect(one.watch(there.ids[1]).seen).toEqual(["missed", "a", "b"]);
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another form", "[]"],
    ["no replica", { replica: "x", number: 1, events: [] }],
    ["too many", { events: Array.from({ length: 51 }, () => ({ name: "abcdefghijkl", event: eventOf("x") })) }],
    ["too much", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), agent: "x".repeat(1024 * 1024) } }] }],
    ["a line break in a name", { events: [{ name: "abcde\n\nfghij", event: eventOf("x") }] }],
    ["no such kind", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), kind: "sneeze" } }] }],
    ["no repository", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), repository: undefined } }] }],
    ["no such name", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), repository: "../etc" } }] }],
    ["no such tag", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), tag: "<b>" } }] }],
    ["no such digest", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), digest: "1" } }] }],
    ["a long text", { events: [{ name: "abcdefghijkl", event: { ...eventOf("x"), account: "x".repeat(257) } }] }],
  ])("leave out %s, and say so once", (_, value) => {
    const viewer = one.watch();
    const common = { replica: randomUUID(), number: 1 };
    const text = typeof value === "string" ? value : JSON.stringify({ ...common, ...value });
    for (let times = 0; times < 3; times += 1) {
      redis.publish(EVENTS_TOPIC, text);
      redis.publish(WATCH_TOPIC, text);
    }
    expect([viewer.seen, one.warnings.length]).toEqual([[], 1]);
    expect(one.warnings[0]).toContain("isn't from a registry");
  });

  it("read what a newer version adds without it", () => {
    const viewer = one.watch();
    const event = { ...eventOf("new"), colour: "red" };
    const message = { replica: randomUUID(), number: 7, events: [{ name: "abcdefghijkl", event, more: 1 }], more: 2 };
    redis.publish(EVENTS_TOPIC, JSON.stringify(message));
    expect([viewer.seen, one.activity.entries[0]?.event]).toEqual([["new"], eventOf("new")]);
    redis.publish(EVENTS_TOPIC, JSON.stringify({ ...message, number: 9 }));
    expect(viewer.seen).toEqual(["new", "missed", "new"]);
  });

  it("send at the end what was collected", async () => {
    const viewer = one.watch();
    other.push("last");
    const before = redis.events();
    await other.exchange.close();
    expect([redis.events() - before, viewer.seen]).toEqual([1, ["last"]]);
  });
});
