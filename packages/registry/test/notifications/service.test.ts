import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { serveHttp } from "@longshore/testkit/loopback";
import { describe, expect, it } from "vitest";
import type { EndpointConfig, NotificationsConfig } from "../../src/config/config.js";
import { loadConfig } from "../../src/config/load.js";
import { lockDirectory } from "../../src/notifications/outbox/lock.js";
import { createDropper } from "../../src/notifications/outbox/inbox.js";
import { NotificationService } from "../../src/notifications/service.js";
import { silentLog, type Log } from "../../src/observability/log.js";
import { eventOf } from "./support.js";

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

type Answer = { readonly status: number; readonly location?: string };

/** A receiver that answers as it is told. */
async function receive(answer: (received: Received, count: number) => Answer) {
  const received: Received[] = [];
  const server = await serveHttp((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const one = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
      received.push(one);
      const { status, location } = answer(one, received.length);
      response.writeHead(status, location === undefined ? {} : { Location: location }).end("ok");
    });
  });
  return { ...server, received };
}

function endpointOf(url: string, over: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    name: "ci",
    url,
    headers: {},
    timeout: 500,
    threshold: 3,
    backoff: 20,
    ignore: { mediatypes: [], actions: [] },
    format: "v2",
    secret: undefined,
    maxage: 0,
    maxattempts: 0,
    ...over,
  };
}

function configOf(directory: string | undefined, endpoints: readonly EndpointConfig[]): NotificationsConfig {
  const outbox = { directory, maxbytes: 16 * 1024 * 1024, deadletterbytes: 1024 * 1024 };
  return { events: { includereferences: false }, endpoints, disabled: [], outbox };
}

/** A log that keeps its lines. */
function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { error: keep, warn: keep, info: keep, debug: keep, disclose: keep, child: () => log };
  return { ...log, lines };
}

const idsOf = (received: readonly Received[]): string[] =>
  received.map(({ body }) => /"id": ?"(event-\d+)"/.exec(body)?.[1] ?? "");

const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => eventOf({ id: `event-${from + index}` }));

describe("delivery", () => {
  it("retries until an endpoint has accepted each event, in order, without delaying another endpoint", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using flaky = await receive((_, count) => ({ status: count % 3 === 0 ? 200 : 500 }));
    await using quick = await receive(() => ({ status: 204 }));
    const service = await NotificationService.open(
      configOf(directory.path, [endpointOf(flaky.url), endpointOf(quick.url, { name: "other" })]),
      silentLog,
    );
    await service.sink.record(events(1, 5), true);
    await expect.poll(() => service.stats().map(({ pending }) => pending)).toEqual([0, 0]);
    const thrice = [1, 2, 3, 4, 5].flatMap((id) => [`event-${id}`, `event-${id}`, `event-${id}`]);
    expect(idsOf(flaky.received)).toEqual(thrice);
    expect(idsOf(quick.received)).toEqual([1, 2, 3, 4, 5].map((id) => `event-${id}`));
    expect(service.stats()[0]).toMatchObject({ events: 5, successes: 5, failures: 10, errors: 0 });
    expect(service.stats()[0]?.statuses).toEqual({ "500 Internal Server Error": 10, "200 OK": 5 });
    await service.stop(0);
  });

  it("follows redirects within the receiver's origin, with the body if the status keeps it", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(({ url }, count) =>
      url === "/t" ? { status: 200 } : { status: count === 1 ? 307 : 302, location: "/t" },
    );
    const headers = { Authorization: ["Bearer abc"], "X-Team": ["a", "b"] };
    const service = await NotificationService.open(
      configOf(directory.path, [endpointOf(receiver.url, { headers })]),
      silentLog,
    );
    await service.sink.record(events(1, 2), true);
    await expect.poll(() => service.stats()[0]?.successes).toBe(2);
    const asked = receiver.received.map(({ method, url }) => `${method} ${url}`);
    expect(asked).toEqual(["POST /", "POST /t", "POST /", "GET /t"]);
    expect(idsOf(receiver.received)).toEqual(["event-1", "event-1", "event-2", ""]);
    for (const { headers: sent } of receiver.received)
      expect(sent).toMatchObject({ authorization: "Bearer abc", "x-team": "a, b" });
    await service.stop(0);
  });

  it("treats a redirect to another host as a failed delivery, and sends nothing there", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using target = await receive(() => ({ status: 200 }));
    await using first = await receive(() => ({ status: 307, location: `${target.url}/t` }));
    const endpoint = endpointOf(first.url, { maxattempts: 1 });
    const service = await NotificationService.open(configOf(directory.path, [endpoint]), silentLog);
    await service.sink.record(events(1, 1), true);
    await expect.poll(() => service.stats()[0]?.dead).toEqual({ "max-attempts": 1 });
    const letter = await readFile(join(directory.path, "0", "dead-letters.jsonl"), "utf8");
    expect(letter).toContain(`the receiver redirects to ${target.url}; set the endpoint's url`);
    expect(target.received).toEqual([]);
    await service.stop(0);
  });

  it("counts a 3xx without a location, and anything below 400, as delivered", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 304 }));
    const service = await NotificationService.open(configOf(directory.path, [endpointOf(receiver.url)]), silentLog);
    await service.sink.record(events(1, 1), true);
    await expect.poll(() => service.stats()[0]?.successes).toBe(1);
    await service.stop(0);
  });

  it("gives up if configured, and the dead letters can be resent to the endpoint that missed them", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    let status = 500;
    await using receiver = await receive(() => ({ status }));
    await using other = await receive(() => ({ status: 200 }));
    const endpoints = [endpointOf(receiver.url, { maxattempts: 2 }), endpointOf(other.url, { name: "other" })];
    const service = await NotificationService.open(configOf(directory.path, endpoints), silentLog);
    await service.sink.record(events(1, 2), true);
    await expect.poll(() => service.stats()[0]?.dead).toEqual({ "max-attempts": 2 });
    expect(idsOf(receiver.received)).toEqual(["event-1", "event-1", "event-2", "event-2"]);
    const slot = join(directory.path, "0");
    const letters = (await readFile(join(slot, "dead-letters.jsonl"), "utf8")).trim().split("\n");
    expect(letters.map((line): unknown => JSON.parse(line))).toMatchObject([
      {
        endpoint: "ci",
        reason: "max-attempts",
        attempts: 2,
        error: "500 Internal Server Error",
        event: events(1, 1)[0],
      },
      { endpoint: "ci", reason: "max-attempts", attempts: 2 },
    ]);
    status = 200;
    await createDropper(slot, "test").drop([]);
    await rename(join(slot, "dead-letters.jsonl"), join(slot, "inbox", "again.jsonl"));
    await service.sink.record(events(3, 3), true);
    await expect.poll(() => idsOf(receiver.received).slice(4)).toEqual(["event-1", "event-2", "event-3"]);
    await expect.poll(() => idsOf(other.received)).toEqual(["event-1", "event-2", "event-3"]);
    await service.stop(0);
  });
});

describe("a restart", () => {
  it("resumes at each endpoint's position, and a new endpoint gets later events", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 200 }));
    const dead = "http://127.0.0.1:9";
    const before = await NotificationService.open(configOf(directory.path, [endpointOf(dead)]), silentLog);
    await before.sink.record(events(1, 3), true);
    await before.stop(0);
    const after = await NotificationService.open(
      configOf(directory.path, [endpointOf(receiver.url), endpointOf(receiver.url, { name: "new", format: "v1" })]),
      silentLog,
    );
    expect(after.stats().map(({ pending }) => pending)).toEqual([3, 0]);
    await after.sink.record(events(4, 4), true);
    await expect.poll(() => receiver.received.length).toBe(5);
    const of = (version: string) =>
      receiver.received.filter(({ headers }) => String(headers["content-type"]).includes(version));
    expect(idsOf(of("v2"))).toEqual(["event-1", "event-2", "event-3", "event-4"]);
    expect(idsOf(of("v1"))).toEqual(["event-4"]);
    await after.stop(1000);
  });

  it("waits for events that can be delivered within the given time", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive((_, count) => ({ status: count < 3 ? 500 : 200 }));
    const service = await NotificationService.open(configOf(directory.path, [endpointOf(receiver.url)]), silentLog);
    await service.sink.record(events(1, 10), true);
    await service.stop(10_000);
    expect(new Set(idsOf(receiver.received)).size).toBe(10);
    expect(service.stats()[0]?.pending).toBe(0);
  });

  it("first reads what workers have left, and sets aside invalid events", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 200 }));
    const config = configOf(directory.path, [endpointOf(receiver.url)]);
    await (await NotificationService.open(config, silentLog)).stop(0);
    const dropper = createDropper(join(directory.path, "0"), "worker");
    await dropper.drop(events(1, 2).map((event) => JSON.stringify(event)));
    await writeFile(join(directory.path, "0", "inbox", "zzz.jsonl"), "no event\n");
    expect(await dropper.isTaken()).toBe(false);
    const service = await NotificationService.open(config, silentLog);
    expect(await dropper.isTaken()).toBe(true);
    await service.sink.record(events(3, 3), true);
    await expect.poll(() => idsOf(receiver.received)).toEqual(["event-1", "event-2", "event-3"]);
    expect(await readdir(join(directory.path, "0", "inbox"))).toEqual(["zzz.jsonl.rejected"]);
    await service.stop(0);
  });
});

describe("the directory", () => {
  it("is shared by several registries, each with a part of its own", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 200 }));
    const config = configOf(directory.path, [endpointOf(receiver.url)]);
    const [first, second] = await Promise.all([
      NotificationService.open(config, silentLog),
      NotificationService.open(config, silentLog),
    ]);
    expect([first.directory, second.directory].sort()).toEqual([join(directory.path, "0"), join(directory.path, "1")]);
    expect(await lockDirectory(join(directory.path, "0"))).toBeUndefined();
    await first.stop(0);
    await second.stop(0);
    const third = await NotificationService.open(config, silentLog);
    expect(third.directory).toBe(join(directory.path, "0"));
    await third.stop(0);
  });

  it("that is unusable doesn't stop the registry: events wait in memory, and the log says so", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 200 }));
    await writeFile(join(directory.path, "file"), "");
    const log = memoryLog();
    const config = configOf(join(directory.path, "file", "outbox"), [endpointOf(receiver.url)]);
    const service = await NotificationService.open(config, log);
    expect(log.lines.join("\n")).toContain("notifications.outbox.directory");
    expect(service.directory).toBeUndefined();
    await service.sink.record(events(1, 2), true);
    await expect.poll(() => idsOf(receiver.received)).toEqual(["event-1", "event-2"]);
    await service.stop(0);
  });

  it("that accepts nothing more doesn't keep events from other endpoints", async () => {
    await using directory = await makeTemporaryFolder("outbox");
    await using receiver = await receive(() => ({ status: 200 }));
    const log = memoryLog();
    const service = await NotificationService.open(configOf(directory.path, [endpointOf(receiver.url)]), log);
    const slot = service.directory ?? "";
    // Stands for a full disk: no segment can be made, and then no file in the inbox either.
    await mkdir(join(slot, "segment.0000000000000001"));
    await service.sink.record(events(1, 1), true);
    expect(await readdir(join(slot, "inbox"))).toHaveLength(1);
    await rm(join(slot, "inbox"), { recursive: true });
    await writeFile(join(slot, "inbox"), "");
    await service.sink.record(events(2, 3), true);
    await expect.poll(() => idsOf(receiver.received)).toEqual(["event-2", "event-3"]);
    expect(service.stats()).toMatchObject([{ events: 2, pending: 0 }]);
    expect(log.lines.join("\n")).not.toContain("is lost");
    await service.stop(0);
  });
});

describe("the configuration", () => {
  const load = (section: string) =>
    loadConfig({
      text: `version: 0.1\nstorage: {filesystem: {rootdirectory: /data}}\nnotifications:\n${section}`,
      file: "config.yml",
      environment: {},
      machine: { cores: 1 },
    });

  it("has Distribution's defaults, both lists of media types, and the outbox beside the storage", () => {
    const { config } = load(
      "  endpoints: [{name: a, url: 'http://h', timeout: 0, ignoredmediatypes: [x], ignore: {mediatypes: [x, y]}}, {name: b, disabled: true}]\n",
    );
    expect(config?.notifications.endpoints).toMatchObject([
      { name: "a", timeout: 1000, threshold: 10, backoff: 1000, format: "v2", ignore: { mediatypes: ["x", "y"] } },
    ]);
    expect(config?.notifications.disabled).toEqual(["b"]);
    expect(config?.notifications.outbox.directory).toBe("/data/longshore/outbox");
  });

  it("names the line of an endpoint without a URL, and never shows what may be secret", () => {
    const { errors } = load("  endpoints:\n    - {name: a}\n    - {name: b, url: 'ftp://user:hunter2@h'}\n");
    expect(errors.map(({ source }) => source)).toMatchObject([{ line: 5 }, { line: 6 }]);
    const headers = load("  endpoints:\n    - {name: c, url: 'http://h', headers: {Authorization: hunter2}}\n");
    expect(headers.errors).toMatchObject([{ source: { line: 5 } }]);
    expect(JSON.stringify([errors, headers.errors])).not.toContain("hunter2");
  });
});
