import { readdir } from "node:fs/promises";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { collectInbox, createDropper } from "../../src/notifications/outbox/inbox.js";
import { WorkerSink } from "../../src/notifications/worker-sink.js";
import type { RegistryEvent } from "../../src/event-formats/event.js";
import { silentLog } from "../../src/observability/log.js";
import { eventOf } from "./support.js";

const event = (id: string): RegistryEvent => eventOf({ id });

/** A primary that answers when it is told to. */
function primary() {
  const sent: { id: number; ids: readonly string[]; durable: boolean }[] = [];
  const link = {
    isThere: true,
    send(id: number, events: readonly RegistryEvent[], durable: boolean) {
      if (link.isThere) sent.push({ id, ids: events.map((one) => one.id), durable });
      return link.isThere;
    },
  };
  return { sent, link };
}

async function inboxIds(slot: string): Promise<string[]> {
  const ids: string[] = [];
  await collectInbox(slot, (events) => Promise.resolve(void ids.push(...events.map(({ id }) => id))));
  return ids;
}

it("a push waits for the primary's confirmation, a pull doesn't, and pending events are sent along in order", async () => {
  const { sent, link } = primary();
  const sink = new WorkerSink({ link, dropper: undefined, log: silentLog });
  await sink.record([event("pull")], false);
  let isDone = false;
  const push = sink.record([event("push")], true).then(() => (isDone = true));
  await expect.poll(() => sent).toEqual([{ id: 1, ids: ["pull", "push"], durable: true }]);
  expect(isDone).toBe(false);
  sink.answered(1, true);
  await push;
  await sink.close();
});

it("a primary that is silent, refuses or has exited gets its events through its inbox, followed by later ones", async () => {
  await using directory = await makeTemporaryFolder("outbox");
  const { sent, link } = primary();
  const dropper = createDropper(directory.path, "w");
  const sink = new WorkerSink({ link, dropper, log: silentLog, limit: 1000 });
  const silent = sink.record([event("silent")], true);
  await expect.poll(() => sent.length).toBe(1);
  await silent;
  // Not sent past the one that lies there.
  await sink.record([event("behind")], true);
  expect(sent.length).toBe(1);
  expect(await inboxIds(directory.path)).toEqual(["silent", "behind"]);
  const direct = sink.record([event("direct")], true);
  await expect.poll(() => sent.at(-1)?.ids).toEqual(["direct"]);
  sink.answered(sent.at(-1)?.id ?? 0, false);
  await direct;
  expect(await inboxIds(directory.path)).toEqual(["direct"]);
  const lost = sink.record([event("under way")], true);
  await expect.poll(() => sent.at(-1)?.ids).toEqual(["under way"]);
  link.isThere = false;
  sink.disconnected();
  await lost;
  await sink.record([event("after")], true);
  await sink.close();
  expect(await inboxIds(directory.path)).toEqual(["under way", "after"]);
  expect(await readdir(`${directory.path}/inbox`)).toEqual([]);
});

it("where nothing can be left either the request goes on, and the log names the event", async () => {
  const { link } = primary();
  link.isThere = false;
  const lines: string[] = [];
  const keep = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log = { ...silentLog, error: keep };
  const sink = new WorkerSink({ link, dropper: undefined, log });
  await sink.record([event("gone")], true);
  await sink.close();
  expect(lines.join("\n")).toMatch(/an event is lost .*"event\.id":"gone"/);
});
