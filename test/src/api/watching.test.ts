import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { basic, passwordLine } from "../auth/support.js";
import { openStream, type OpenStream, type StreamEvent } from "./event-stream.js";

const PATH = "/v2/_longshore/catalog/activity";

/** What happened, in few words. */
function brief({ name, data }: StreamEvent): string {
  const { kind, repository, tag, account } = data as Readonly<Record<string, string | undefined>>;
  if (name !== "activity") return name;
  return [kind, repository, tag, account].filter((each) => each !== undefined).join(" ");
}

/** A request on a connection of its own, which any worker may accept. */
async function ask(url: string, path: string, options: RequestInit = {}): Promise<number> {
  const headers = { connection: "close", ...(options.headers as Readonly<Record<string, string>> | undefined) };
  const response = await fetch(`${url}${path}`, { ...options, headers });
  await response.arrayBuffer();
  return response.status;
}

describe("watching a registry of two workers", () => {
  let registry: RunningRegistry;
  beforeAll(async () => {
    registry = await startRegistry({ config: { http: { workers: 2 }, activity: { events: 10 } } });
    await pushImage(registry.client, "team/app", "1");
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  const watch = (after?: string): Promise<OpenStream> =>
    openStream(`${registry.url}${PATH}`, after === undefined ? {} : { "last-event-id": after });
  const pull = (): Promise<number> => ask(registry.url, "/v2/team/app/manifests/1");

  it("shows what happens in any of them, wherever one watches, in the same order", async () => {
    const streams = await Promise.all(Array.from({ length: 6 }, () => watch()));
    // The others hear of it while the first ones are told already.
    for (const { status, headers } of streams) {
      expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    }
    await expect
      .poll(async () => {
        await pull();
        return streams.every(({ events }) => events.length > 0);
      })
      .toBe(true);
    const before = streams.map(({ events }) => events.length);
    await Promise.all(Array.from({ length: 12 }, pull));
    const told = await Promise.all(streams.map((stream, index) => stream.first((before[index] ?? 0) + 12)));
    const [first = [], ...others] = told.map((events) => events.slice(-12).map(({ id }) => id));
    expect(new Set(first).size).toBe(12);
    for (const other of others) expect(other).toEqual(first);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });

  it("shows an image once, whatever is sent for it, and neither HEAD nor what was only looked at", async () => {
    await using stream = await watch();
    await pushImage(registry.client, "team/other", "2", { layers: 3 });
    await ask(registry.url, "/v2/team/other/manifests/2", { method: "HEAD" });
    await ask(registry.url, "/v2/team/other/_longshore/repository/images/2");
    const tags = "/v2/team/other/_longshore/repository/tags";
    await ask(registry.url, `${tags}?match=*&dryrun=true`, { method: "DELETE" });
    await ask(registry.url, `${tags}?match=*&dryrun=tru%65`, { method: "DELETE" });
    await ask(registry.url, "/v2/team/new/_longshore/repository/copies?from=team/other&tag=2", { method: "POST" });
    await ask(registry.url, `${tags}?match=*`, { method: "DELETE" });
    await ask(registry.url, "/v2/team/other/manifests/2");
    await ask(registry.url, "/v2/team/new/manifests/2", { method: "DELETE" });
    // What two workers did within a moment may be told in another order.
    const events = [...(await stream.first(4))].sort((a, b) => (brief(a) < brief(b) ? -1 : 1));
    expect(events.map(brief)).toEqual(["copy team/new", "delete team/new 2", "delete team/other", "push team/other 2"]);
    expect(events[0]?.data).toMatchObject({ from: "team/other" });
    expect(events[2]?.data).toMatchObject({ match: "*" });
    // Nobody logs in here, so nobody is an administrator.
    for (const { data } of events) expect(Object.keys(data as object)).not.toContain("address");
  });

  it("goes on where a viewer was, on whichever worker, and says where it can't", async () => {
    const first = await watch();
    await pull();
    const [seen] = await first.first(1);
    await first[Symbol.asyncDispose]();
    await pull();
    await pull();
    for (let round = 0; round < 4; round += 1) {
      await using again = await watch(seen?.id);
      expect((await again.first(2)).map(brief)).toEqual(["pull team/app 1", "pull team/app 1"]);
    }
    // More than are remembered.
    await using witness = await watch();
    for (let round = 0; round < 12; round += 1) await pull();
    await witness.first(12);
    await using late = await watch(seen?.id);
    const [gap, ...rest] = await late.first(11);
    expect([gap?.name, rest.length]).toEqual(["missed", 10]);
    await using odd = await watch("no such place");
    expect((await odd.first(1)).map(brief)).toEqual(["missed"]);
  });

  it("answers a HEAD without waiting for anything", async () => {
    const response = await fetch(`${registry.url}${PATH}`, { method: "HEAD" });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  });
});

it("ends for all viewers at once when the registry stops, with the reason", async () => {
  for (const workers of [1, 2]) {
    await using registry = await startRegistry({ config: { http: { workers, draintimeout: "30s" } } });
    await using stream = await openStream(`${registry.url}${PATH}`);
    expect(await registry.stop(5000)).toBe(0);
    expect(await stream.ended()).toMatchObject([{ name: "end", data: { reason: "shutdown" } }]);
  }
});

it("has room for so many viewers, and isn't there where it is turned off", async () => {
  await using registry = await startRegistry({ config: { activity: { streams: 5 } } });
  await using first = await openStream(`${registry.url}${PATH}`);
  const refused = await registry.client.ask({ path: PATH });
  expect([refused.status, refused.code(), refused.headers["retry-after"]]).toEqual([429, "TOOMANYREQUESTS", "30"]);
  await first[Symbol.asyncDispose]();
  await expect
    .poll(async () => {
      await using next = await openStream(`${registry.url}${PATH}`);
      return next.status;
    })
    .toBe(200);
  await using off = await startRegistry({ config: { activity: { enabled: false } } });
  const answer = await off.client.ask({ path: PATH });
  expect([answer.status, answer.code()]).toEqual([405, "UNSUPPORTED"]);
});

describe("who sees what", () => {
  const own = { "sec-fetch-site": "same-origin", "longshore-console": "1" };
  let folder: TemporaryFolder;
  let passwords: string;
  let registry: RunningRegistry;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("watching");
    passwords = `${folder.path}/htpasswd`;
    await writeFile(passwords, ["admin", "writer", "reader"].map((name) => passwordLine(name, "secret")).join(""));
    registry = await startRegistry({
      config: {
        http: { workers: 2 },
        auth: { htpasswd: { realm: "test", path: passwords } },
        access: [
          { match: { account: "writer", type: "repository" }, actions: ["pull", "push"] },
          { name: "admin", type: "registry", action: ["*"] },
          { name: "reader", type: "repository", repository: "team/*", action: ["pull"] },
          { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
        ],
      },
    });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Logs in as the page does; resolves with its headers. */
  async function logIn(account: string): Promise<Record<string, string>> {
    const answer = await registry.client.ask({
      method: "POST",
      path: "/_console/session",
      headers: { "content-type": "application/json", ...own },
      body: JSON.stringify({ account, password: "secret" }),
    });
    expect(answer.status).toBe(204);
    return { ...own, cookie: answer.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "" };
  }
  const watch = (headers: Readonly<Record<string, string>>): Promise<OpenStream> =>
    openStream(`${registry.url}${PATH}`, headers);

  it("depends on what they may pull, and names are for administrators", async () => {
    await using admin = await watch({ authorization: basic("admin", "secret") });
    await using writer = await watch(await logIn("writer"));
    await using reader = await watch(await logIn("reader"));
    await using anonymous = await watch(own);
    const streams = [admin, writer, reader, anonymous];
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const client = createHttpClient(registry.url, { headers: { authorization: basic("writer", "secret") } });
    // Both workers hear that somebody watches, before anything is counted.
    await expect
      .poll(async () => {
        await pushImage(client, "public/first", "0");
        return streams.every(({ events }) => events.length > 0);
      })
      .toBe(true);
    for (const name of ["secret/app", "team/app", "public/app"]) await pushImage(client, name, "1");
    // It looks like a token, but rights are decided by the name itself.
    await pushImage(client, "team/lspat_abcdefghijklmnop", "1");
    client.close();
    const headers = { authorization: basic("reader", "secret"), "user-agent": "<b>curl</b>" };
    await ask(registry.url, "/v2/team/app/manifests/1", { headers });
    // Before the next, which another worker may do: so that the last one told is the last.
    await expect.poll(() => reader.events.some((each) => brief(each).startsWith("pull"))).toBe(true);
    await ask(registry.url, "/v2/", { headers: { authorization: basic("reader", "wrong") } });
    await expect.poll(() => admin.events.some((each) => brief(each) === "login-refused reader")).toBe(true);
    const last = { authorization: basic("admin", "secret") };
    const copy = "/v2/public/copy/_longshore/repository/copies?from=secret/app&tag=1";
    expect(await ask(registry.url, copy, { method: "POST", headers: last })).toBe(200);
    const told = async (stream: OpenStream): Promise<readonly string[]> => {
      const seen = (): readonly string[] => stream.events.map(brief).filter((each) => !each.includes("public/first"));
      await expect.poll(() => seen().some((each) => each.startsWith("copy"))).toBe(true);
      return [...seen()].sort();
    };
    expect(await told(admin)).toEqual([
      "copy public/copy admin",
      "login-refused reader",
      "pull team/app 1 reader",
      "push public/app 1 writer",
      "push secret/app 1 writer",
      "push team/app 1 writer",
      "push team/lspat_abcdefghijklmnop 1 writer",
    ]);
    expect(await told(writer)).toEqual([
      "copy public/copy",
      "pull team/app 1",
      "push public/app 1 writer",
      "push secret/app 1 writer",
      "push team/app 1 writer",
      "push team/lspat_abcdefghijklmnop 1 writer",
    ]);
    expect(await told(reader)).toEqual([
      "copy public/copy",
      "pull team/app 1 reader",
      "push public/app 1",
      "push team/app 1",
      "push team/lspat_abcdefghijklmnop 1",
    ]);
    expect(await told(anonymous)).toEqual(["copy public/copy", "push public/app 1"]);
    const copied = admin.events.find((each) => brief(each).startsWith("copy"));
    expect(copied?.data).toMatchObject({ from: "secret/app", address: "127.0.0.1" });
    expect(admin.events.find((each) => brief(each) === "pull team/app 1 reader")?.data).toMatchObject({
      agent: "<b>curl</b>",
    });
    expect(JSON.stringify(reader.events)).not.toMatch(/secret\/app|"writer"/);
    expect(JSON.stringify(anonymous.events)).not.toMatch(/secret|account|address|agent/);
  });

  it("needs the catalog's access of clients that aren't the page", async () => {
    const headers = { authorization: basic("reader", "secret") };
    expect((await registry.client.ask({ path: PATH, headers })).status).toBe(403);
    expect((await registry.client.ask({ path: PATH })).status).toBe(401);
  });

  it("ends soon after the log-out, and after another password", async () => {
    const session = await logIn("reader");
    await using stream = await watch(session);
    await using other = await watch(await logIn("writer"));
    await using kept = await watch({ authorization: basic("admin", "secret") });
    await registry.client.ask({ method: "DELETE", path: "/_console/session", headers: session });
    await writeFile(
      passwords,
      [passwordLine("writer", "another"), ...["admin", "reader"].map((name) => passwordLine(name, "secret"))].join(""),
    );
    for (const each of [stream, other])
      expect((await each.ended(15_000)).at(-1)).toMatchObject({ name: "end", data: { reason: "access" } });
    await ask(registry.url, "/v2/", { headers: { authorization: basic("nobody", "wrong") } });
    expect((await kept.first(1)).map(brief)).toEqual(["login-refused nobody"]);
  });
});
