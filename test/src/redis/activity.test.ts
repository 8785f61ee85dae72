import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { openStream, type OpenStream, type StreamEvent } from "../api/event-stream.js";
import { basic, passwordLine } from "../auth/support.js";
import { eventually } from "./replicas.js";
import { startRedis, type RedisServer } from "./servers.js";

/** Everything that is published, as text. */
interface Tap extends AsyncDisposable {
  text(): string;
}

/** Hears all channels, with the bare protocol. */
async function openTap({ port }: RedisServer): Promise<Tap> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write("PSUBSCRIBE *\r\n");
  await eventually(() => Promise.resolve(text.includes("psubscribe")));
  return {
    text: () => text,
    [Symbol.asyncDispose]() {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

/** What happened, in few words. */
function brief({ name, data }: StreamEvent): string {
  const { kind, repository, tag, account } = data as Readonly<Record<string, string | undefined>>;
  if (name !== "activity") return name;
  return [kind, repository, tag, account].filter((each) => each !== undefined).join(" ");
}

const namesOf = (events: readonly StreamEvent[]): readonly unknown[] => events.map(({ id }) => id?.split(".")[0]);

describePeers("what happens in two replicas with one Redis", ["redis"], () => {
  let redis: RedisServer;
  let folder: TemporaryFolder;
  let one: RunningRegistry;
  let other: RunningRegistry;
  const configOf = (passwords: string, workers: number, protocol: 2 | 3) => ({
    http: { workers },
    redis: { addrs: [redis.address], protocol },
    auth: { htpasswd: { realm: "test", path: passwords } },
    access: [
      { match: { account: "writer", type: "repository" }, actions: ["pull", "push"] },
      { match: { account: "admin", type: "repository" }, actions: ["pull", "push"] },
      { name: "admin", type: "registry", action: ["*"] },
      { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
      { match: { account: "reader", type: "registry", name: "catalog" }, actions: ["*"] },
    ],
  });
  beforeAll(async () => {
    redis = await startRedis();
    folder = await makeTemporaryFolder("watched-replicas");
    const passwords = `${folder.path}/htpasswd`;
    await writeFile(passwords, ["admin", "writer", "reader"].map((name) => passwordLine(name, "secret")).join(""));
    const root = `${folder.path}/data`;
    one = await startRegistry({ root, config: configOf(passwords, 2, 3) });
    other = await startRegistry({ root, config: configOf(passwords, 1, 2) });
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const watch = (registry: RunningRegistry, account: string, after?: string): Promise<OpenStream> =>
    openStream(`${registry.url}/v2/_longshore/catalog/activity`, {
      authorization: basic(account, "secret"),
      ...(after === undefined ? {} : { "last-event-id": after }),
    });
  const push = async (registry: RunningRegistry, name: string, tag: string): Promise<void> => {
    const client = createHttpClient(registry.url, { headers: { authorization: basic("writer", "secret") } });
    await pushImage(client, name, tag);
    client.close();
  };
  const told = (stream: OpenStream): readonly string[] => stream.events.map(brief);
  /** Pushes until `streams` are told of it: all replicas know by then who watches. */
  const settle = async (registry: RunningRegistry, name: string, ...streams: readonly OpenStream[]): Promise<void> => {
    await expect
      .poll(
        async () => {
          await push(registry, name, "settled");
          return streams.every((stream) => told(stream).some((each) => each.includes(`${name} settled`)));
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  };
  const until = async (stream: OpenStream, text: string): Promise<void> => {
    await expect.poll(() => told(stream).some((each) => each.includes(text)), { timeout: 20_000 }).toBe(true);
  };

  it("isn't published while nobody watches, and afterwards only where somebody else wants to know", async () => {
    await using tap = await openTap(redis);
    for (const registry of [one, other]) await push(registry, "team/unwatched", "unseen");
    await using viewer = await watch(one, "admin");
    await settle(other, "team/a", viewer);
    await push(one, "team/here", "mine");
    await until(viewer, "team/here mine");
    await settle(other, "team/b", viewer);
    const published = tap.text();
    expect(published).toMatch(/longshore:1:[0-9a-f]{32}:activity:1:watch/);
    expect(published).toMatch(/longshore:1:[0-9a-f]{32}:activity:1:events/);
    expect(published).toContain("team/b");
    expect(published).not.toMatch(/unseen|team\/here/);
  }, 60_000);

  it("is shown at each of them, to whoever may see it, in one order", async () => {
    await using admin = await watch(one, "admin");
    await using second = await watch(one, "admin");
    await using reader = await watch(one, "reader");
    await using there = await watch(other, "admin");
    await settle(other, "team/c", admin, second, reader);
    await settle(one, "team/d", there);
    for (const registry of [other, one]) for (const name of ["secret/x", "team/x"]) await push(registry, name, "1");
    await push(other, "team/x", "last");
    for (const stream of [admin, second, reader, there]) await until(stream, "team/x last");
    const of = (stream: OpenStream) => told(stream).filter((each) => / (team|secret)\/x /.test(each));
    const all = [
      "push secret/x 1 writer",
      "push secret/x 1 writer",
      "push team/x 1 writer",
      "push team/x 1 writer",
      "push team/x last writer",
    ];
    expect([...of(admin)].sort()).toEqual(all);
    expect([...of(there)].sort()).toEqual(all);
    expect(of(reader)).toEqual(["push team/x 1", "push team/x 1", "push team/x last"]);
    expect(JSON.stringify(reader.events)).not.toMatch(/secret\/x|writer|address|agent/);
    const sent = admin.events.find((each) => brief(each) === "push team/x last writer");
    expect(sent?.data).toMatchObject({ address: "127.0.0.1" });
    const ids = (stream: OpenStream) =>
      stream.events.filter((each) => brief(each).includes(" team/x ")).map(({ id }) => id);
    expect(ids(second)).toEqual(ids(admin));
  }, 60_000);

  it("goes on where a viewer was at the same replica; at the other, they hear that something may be missing", async () => {
    await using witness = await watch(other, "admin");
    const first = await watch(one, "admin");
    await settle(other, "team/e", first);
    await settle(one, "team/e", witness);
    await first[Symbol.asyncDispose]();
    const place = first.events.at(-1)?.id;
    await push(other, "team/f", "1");
    await push(one, "team/f", "2");
    await until(witness, "team/f 2");
    await using again = await watch(one, "admin", place);
    await until(again, "team/f 1");
    await until(again, "team/f 2");
    expect(
      told(again)
        .filter((each) => each === "missed" || each.includes("team/f"))
        .sort(),
    ).toEqual(["push team/f 1 writer", "push team/f 2 writer"]);
    await using elsewhere = await watch(other, "admin", place);
    await until(elsewhere, "team/f 2");
    expect(told(elsewhere)[0]).toBe("missed");
    // What they are told again has the name that they know.
    const [last] = again.events.filter((each) => brief(each).includes("team/f 2"));
    expect(namesOf(elsewhere.events)).toContain(last?.id?.split(".")[0]);
  }, 60_000);

  it("is told by replicas over the same storage alone", async () => {
    await using stranger = await startRegistry({ config: { redis: { addrs: [redis.address] } } });
    await using viewer = await watch(one, "admin");
    await using strangers = await openStream(`${stranger.url}/v2/_longshore/catalog/activity`);
    await settle(other, "team/g", viewer);
    await pushImage(stranger.client, "foreign/app", "1");
    await until(strangers, "foreign/app 1");
    await settle(other, "team/h", viewer);
    expect(told(viewer).join()).not.toContain("foreign");
    expect(told(strangers).join()).not.toContain("team");
  }, 60_000);

  it("isn't believed where something else was published: that is left out, which one line says", async () => {
    await using tap = await openTap(redis);
    await using viewer = await watch(one, "admin");
    await settle(other, "team/i", viewer);
    const [events = ""] = /longshore:1:[0-9a-f]{32}:activity:1:events/.exec(tap.text()) ?? [];
    const channels = [events, events.replace("events", "watch")];
    const event = { kind: "push", time: new Date().toISOString(), repository: "hostile/app" };
    const message = { replica: "b5e7f3f0-5a0c-4bd4-9c1d-6c3f8d7a0f11", number: 1 };
    for (const channel of channels) {
      for (const text of [
        "",
        "hello",
        "null",
        JSON.stringify({ ...message, kind: "watching" }),
        JSON.stringify({ ...message, events: [{ name: "a\nevent: x", event }] }),
        JSON.stringify({ ...message, events: [{ name: "abcdefghijkl", event: { ...event, repository: "../x" } }] }),
        `"${"hostile".repeat(15_000)}"`,
      ])
        expect(await redis.cli("publish", channel, text)).not.toBe("0");
    }
    await settle(other, "team/j", viewer);
    expect(JSON.stringify(viewer.events)).not.toContain("hostile");
    expect(told(viewer)).not.toContain("missed");
    expect(one.logs().match(/isn't from a registry/g)).toHaveLength(1);
  }, 60_000);

  it("goes on at each of them while Redis is away, which its viewers are told, and comes together again", async () => {
    await using viewer = await watch(one, "admin");
    await using there = await watch(other, "admin");
    await settle(other, "team/k", viewer);
    await settle(one, "team/l", there);
    await redis.kill();
    await until(viewer, "missed");
    await until(there, "missed");
    await push(one, "team/m", "here");
    await push(other, "team/m", "there");
    await until(viewer, "team/m here");
    await until(there, "team/m there");
    const gaps = (): number => told(viewer).filter((each) => each === "missed").length;
    expect(gaps()).toBe(1);
    expect(told(viewer).join()).not.toContain("team/m there");
    await redis.restart();
    await settle(other, "team/n", viewer);
    await settle(one, "team/o", there);
    // At the place where others' events come again.
    expect(gaps()).toBeGreaterThan(1);
    expect(one.logs().match(/what happens in other replicas can't be shown/g)).toHaveLength(1);
    expect(one.logs()).toContain("what happens in other replicas is shown again");
  }, 60_000);
});
