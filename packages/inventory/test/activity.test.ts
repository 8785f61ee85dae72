import { utimes } from "node:fs/promises";
import { createDriver, digestOf, parseRepositoryName, parseTagName, type StorageDriver } from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openActivity, type ActivityLog, type ActivityOptions } from "../src/activity/activity.js";
import { mergeUses } from "../src/activity/use.js";
import { UseTable } from "../src/activity/use-table.js";
import { openInventory } from "../src/open-inventory.js";
import { describeForDrivers, plainRegistry, push } from "./support.js";

const FOLDER = "/docker/registry/v2/longshore/inventory/v1/activity";
const NAME = parseRepositoryName("team/app");
const TAG = parseTagName("v1");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DIGEST = digestOf(Buffer.from("a manifest"));
/** A whole hour, some time in the day. */
const NOON = Math.floor(Date.now() / DAY) * DAY + 12 * HOUR;

/** The log of a process that writes when it is closed. */
function open(
  driver: StorageDriver,
  processId: string,
  now = () => NOON,
  rest: Partial<Pick<ActivityOptions, "maxItems" | "role">> = {},
): ActivityLog {
  const onTrouble = (error: unknown): void => {
    throw error;
  };
  return openActivity(driver, { processId, interval: DAY, maxItems: 1000, role: "records", onTrouble, now, ...rest });
}

async function readBy(driver: StorageDriver, now = () => NOON): Promise<ActivityLog> {
  const log = open(driver, "reader", now);
  await log.read();
  return log;
}

describeForDrivers("the activity", (over) => {
  it("is shown by the inventory, by other processes once it is written", () =>
    over(async (driver) => {
      const registry = plainRegistry(driver);
      const digest = await push(registry, NAME, "one", "v1", "v2");
      const log = open(driver, "one");
      log.recordPush(NAME, digest, [TAG, parseTagName("v2")], "alice");
      log.recordPull(NAME, digest, TAG);
      const look = async (activity: ActivityLog) => {
        const { inventory } = openInventory(registry, driver, {
          processId: "any",
          activity,
          maxBytes: 1_000_000,
          maxManifestBytes: 1_000_000,
          onUntold: () => undefined,
          keeps: false,
          historyDays: 0,
          onTrouble: () => undefined,
        });
        const { items } = await inventory.tags(NAME, { sort: "pulled", descending: true });
        return {
          tags: items.map(({ tag, pushedBy, pulled }) => [tag, pushedBy, pulled]),
          manifest: items[1]?.manifest,
          repository: await inventory.repository(NAME),
          repositories: (await inventory.repositories({ sort: "pulled" })).items,
        };
      };
      const expected = {
        tags: [
          ["v1", "alice", NOON],
          ["v2", "alice", undefined],
        ],
        manifest: { pushedBy: "alice", pulled: NOON },
        repository: { pulled: NOON },
        repositories: [{ pulled: NOON }],
      };
      expect(await look(log)).toMatchObject(expected);
      expect((await look(await readBy(driver))).tags).toContainEqual(["v1", undefined, undefined]);
      await log.close();
      expect(await look(await readBy(driver))).toMatchObject(expected);
      // Another program pushes something else.
      await push(registry, NAME, "two", "v1");
      expect((await look(log)).tags).toContainEqual(["v1", undefined, NOON]);
    }));

  it("keeps the latest of all processes, and forgets whoever pushed before somebody who isn't logged in", () =>
    over(async (driver) => {
      const [early, late] = [open(driver, "early"), open(driver, "late", () => NOON + 90 * 60_000)];
      late.recordPull(NAME, DIGEST, undefined);
      early.recordPull(NAME, DIGEST, TAG);
      early.recordPush(NAME, DIGEST, [TAG], "alice");
      late.recordPush(NAME, DIGEST, [TAG], "");
      await Promise.all([early.close(), late.close()]);
      const use = (await readBy(driver)).of(NAME);
      expect(use(DIGEST)?.pulled).toBe(NOON + HOUR);
      expect([use(TAG)?.pulled, use(TAG)?.push?.account]).toEqual([NOON, undefined]);
    }));

  it("goes on in a file of the next day, and is read again after a minute", () =>
    over(async (driver) => {
      let now = NOON;
      const log = open(driver, "one", () => now);
      const reader = open(driver, "reader", () => now);
      log.recordPull(NAME, DIGEST, TAG);
      await log.close();
      await reader.read();
      now += DAY;
      log.recordPull(NAME, DIGEST, undefined);
      await log.close();
      log.recordPull(NAME, DIGEST, parseTagName("v2"));
      await log.close();
      expect((await driver.list(FOLDER)).names).toHaveLength(2);
      for (const each of [log, reader]) {
        await each.read();
        const use = each.of(NAME);
        expect([use(TAG)?.pulled, use(DIGEST)?.pulled, use(parseTagName("v2"))?.pulled]).toEqual([NOON, now, now]);
      }
    }));

  it("says since when each pull is known", () =>
    over(async (driver) => {
      let now = NOON;
      const since = async () => (await readBy(driver)).pullsSince();
      const pull = async (log: ActivityLog): Promise<void> => {
        log.recordPull(NAME, DIGEST, TAG);
        await log.close();
        now += HOUR;
      };
      const log = open(driver, "one", () => now);
      expect(await since()).toBeUndefined();
      await pull(log);
      await pull(open(driver, "two", () => now));
      expect(await since()).toBe(NOON);
      // One that doesn't record them serves for a while, beside one that does.
      const other = open(driver, "other", () => now, { role: "denies" });
      await other.begin();
      expect(await since()).toBeUndefined();
      await pull(log);
      await other.close();
      expect(await since()).toBeUndefined();
      await pull(log);
      expect(await since()).toBe(NOON + 3 * HOUR);
      await driver.write("/docker/registry/v2/longshore/inventory/v1/pulls-since", Buffer.from("12 o'clock"));
      expect(await since()).toBeUndefined();
    }));

  it("doesn't know pulls that were forgotten, by this process or another one", () =>
    over(async (driver) => {
      let now = NOON;
      const log = open(driver, "one", () => now, { maxItems: 10 });
      for (let hour = 0; hour < 11; hour += 1) {
        log.recordPull(NAME, DIGEST, parseTagName(`v${hour}`));
        now += HOUR;
      }
      // With their manifest there are twelve: those of the first two hours are forgotten.
      await log.close();
      await driver.write("/docker/registry/v2/longshore/inventory/v1/pulls-since", Buffer.from(String(NOON - DAY)));
      await log.read();
      for (const each of [log, await readBy(driver, () => now)]) {
        expect([each.pullsSince(), each.of(NAME)(parseTagName("v0"))]).toEqual([NOON + 2 * HOUR, undefined]);
      }
    }));

  it.each(["", "[", "{}\n", `["a/b"]\n["a/b","v1","x"]\n`, `["team/app","v1",0,1,"alice","no digest"]\n`])(
    "takes nothing from the damaged lines %j",
    (text) =>
      over(async (driver) => {
        await driver.write(`${FOLDER}/other`, Buffer.from(`${text}\n["team/app","v2",${NOON}]\n`));
        const use = (await readBy(driver)).of(NAME);
        expect(use(TAG) ?? {}).toEqual({});
        expect(use(parseTagName("v2"))).toEqual({ pulled: NOON });
      }),
  );
});

describe("the files of the activity", () => {
  it("are folded into one when nobody has written them for a day", async () => {
    await using folder = await makeTemporaryFolder("activity");
    const driver = await createDriver("filesystem", { rootdirectory: folder.path });
    const tags = ["a", "b", "c", "d"].map(parseTagName);
    for (const tag of tags) {
      const log = open(driver, `process-${tag}`);
      log.recordPull(NAME, DIGEST, tag);
      log.recordPush(NAME, DIGEST, [tag], tag);
      await log.close();
    }
    const names = (await driver.list(FOLDER)).names;
    const before = new Date(NOON - DAY);
    for (const name of names.slice(0, 3)) await utimes(`${folder.path}${FOLDER}/${name}`, before, before);
    const log = open(driver, "new");
    log.recordPull(NAME, DIGEST, undefined);
    await log.close();
    expect((await driver.list(FOLDER)).names).toHaveLength(3);
    const use = (await readBy(driver)).of(NAME);
    for (const tag of tags)
      expect(use(tag)).toEqual({ pulled: NOON, push: { at: NOON, account: tag, digest: DIGEST } });
    await driver.close();
  });

  it("may be impossible to write: nothing fails, and it is said once", async () => {
    const driver = await createDriver("inmemory", {});
    let isBroken = true;
    const write: StorageDriver["write"] = (...call) => {
      if (isBroken) throw new Error("no room");
      return driver.write(...call);
    };
    const troubles: unknown[] = [];
    const log = openActivity(
      { ...wrap(driver), write },
      {
        processId: "one",
        interval: DAY,
        maxItems: 10,
        role: "records",
        onTrouble: (error) => troubles.push(error),
        now: () => NOON,
      },
    );
    log.recordPull(NAME, DIGEST, TAG);
    await log.close();
    await log.close();
    expect(troubles).toHaveLength(1);
    isBroken = false;
    await log.close();
    expect((await readBy(driver)).of(NAME)(TAG)?.pulled).toBe(NOON);
  });
});

/** The calls that the activity makes. */
const wrap = (driver: StorageDriver): StorageDriver => ({
  ...driver,
  list: (...call) => driver.list(...call),
  stat: (...call) => driver.stat(...call),
  read: (...call) => driver.read(...call),
  delete: (...call) => driver.delete(...call),
});

it("a table of uses forgets what was used least recently", () => {
  const table = new UseTable(100);
  for (let count = 0; count < 1000; count += 1) table.add(`name-${count % 7}`, `tag-${count}`, { pulled: count + 1 });
  const kept = [...table.entries()].map(([, , { pulled = 0 }]) => pulled);
  expect(kept.length).toBeLessThanOrEqual(100);
  expect(kept.length).toBeGreaterThanOrEqual(90);
  expect(Math.min(...kept)).toBe(1001 - kept.length);
});

it("uses can be merged in any order, and more than once", () => {
  const use = fc.record({
    pulled: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    push: fc.option(
      fc.integer({ min: 1, max: 9 }).map((at) => ({ at, account: `user-${at}`, digest: DIGEST })),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(fc.array(use, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (uses, numbers) => {
      const shuffled = [...uses, ...uses].map((each) => [numbers.next().value ?? 0, each] as const);
      const other = shuffled.sort(([a], [b]) => a - b).map(([, each]) => each);
      expect(other.reduce<ReturnType<typeof mergeUses>>(mergeUses, undefined)).toEqual(
        uses.reduce<ReturnType<typeof mergeUses>>(mergeUses, undefined),
      );
    }),
  );
});
