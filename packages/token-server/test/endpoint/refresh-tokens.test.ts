import { describe, expect, it } from "vitest";
import type { Records } from "../../src/contract.js";
import { openRefreshTokens, revokeRefreshTokens } from "../../src/endpoint/refresh-tokens.js";
import { deferred } from "../sources/support.js";
import { memoryRecords } from "../support.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");
const SUBJECT = { source: "local", account: "alice", service: "registry", stamp: "a stamp" } as const;

function openAt(records: Records, time: { now: number }) {
  return openRefreshTokens(records, { clock: () => time.now, lifetime: 3_600_000 });
}

describe("refresh tokens", () => {
  it("have one spelling: what is changed, added or left out anywhere is none of ours", async () => {
    const tokens = await openAt(memoryRecords(), { now: NOON });
    const token = tokens.issue(SUBJECT);
    expect(await tokens.redeem(token)).toMatchObject({ account: "alice", source: "local", service: "registry" });
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === "A" ? "B" : "A";
      expect(await tokens.redeem(token.slice(0, at) + other + token.slice(at + 1)), String(at)).toBeUndefined();
      expect(await tokens.redeem(token.slice(0, at) + token.slice(at + 1)), String(at)).toBeUndefined();
    }
    const [text = "", mac = ""] = token.split(".");
    const others = [
      `${token}=`,
      `${token}.`,
      `${token}.x`,
      ` ${token}`,
      `${token}\n`,
      text,
      `${text}.`,
      `.${mac}`,
      "lsr_.",
    ];
    for (const each of others) expect(await tokens.redeem(each), each).toBeUndefined();
  });

  it("of another storage are none of ours", async () => {
    const time = { now: NOON };
    const [ours, theirs] = [await openAt(memoryRecords(), time), await openAt(memoryRecords(), time)];
    expect(await ours.redeem(theirs.issue(SUBJECT))).toBeUndefined();
  });

  it("are the same in processes that start at once", async () => {
    const records = memoryRecords();
    const time = { now: NOON };
    const opened = await Promise.all([openAt(records, time), openAt(records, time), openAt(records, time)]);
    for (const issuer of opened) {
      const token = issuer.issue(SUBJECT);
      for (const each of opened) expect(await each.redeem(token)).toBeDefined();
    }
  });
});

describe("a revocation", () => {
  it("is looked for once for many renewals, and counts within a second", async () => {
    const records = memoryRecords();
    const reads: string[] = [];
    const counting: Records = {
      ...records,
      read(name) {
        reads.push(name);
        return records.read(name);
      },
    };
    const time = { now: NOON };
    const tokens = await openAt(counting, time);
    const [alice, bob] = [tokens.issue(SUBJECT), tokens.issue({ ...SUBJECT, account: "bob" })];
    time.now += 5000;
    reads.length = 0;
    const renewals = await Promise.all(Array.from({ length: 10 }, () => tokens.redeem(alice)));
    expect(renewals.every((renewal) => renewal !== undefined)).toBe(true);
    expect(await tokens.redeem(alice)).toBeDefined();
    expect(reads).toHaveLength(1);
    await revokeRefreshTokens(records, "alice", time.now);
    time.now += 999;
    expect(await tokens.redeem(alice)).toBeUndefined();
    expect(await tokens.redeem(bob)).toBeDefined();
    // A clock that was set back doesn't make an old answer newer.
    time.now -= 3000;
    reads.length = 0;
    expect(await tokens.redeem(bob)).toBeDefined();
    expect(reads).toHaveLength(1);
  });

  it("isn't taken back by an earlier one that is written later", async () => {
    const records = memoryRecords();
    const time = { now: NOON + 2000 };
    const tokens = await openAt(records, time);
    const token = tokens.issue(SUBJECT);
    // The process with the earlier time reads, waits, and finds that another one was faster.
    const begun = deferred<undefined>();
    const mayWrite = deferred<undefined>();
    const slow: Records = {
      ...records,
      async create(...args) {
        begun.resolve(undefined);
        await mayWrite.promise;
        return records.create(...args);
      },
    };
    const earlier = revokeRefreshTokens(slow, "alice", NOON);
    await begun.promise;
    await revokeRefreshTokens(records, "alice", NOON + 5000);
    mayWrite.resolve(undefined);
    await earlier;
    expect(await tokens.redeem(token)).toBeUndefined();
  });

  it("that can't be read ends all of the account's tokens, and no others", async () => {
    const records = memoryRecords();
    const time = { now: NOON + 5000 };
    const tokens = await openAt(records, time);
    const [alice, bob] = [tokens.issue(SUBJECT), tokens.issue({ ...SUBJECT, account: "bob" })];
    await revokeRefreshTokens(records, "alice", NOON);
    expect(await tokens.redeem(alice)).toBeDefined();
    const name = [...records.all.keys()].find((each) => each.includes("/revoked/")) ?? "";
    for (const broken of ["{", "null", '{"until":"never"}']) {
      time.now += 1000;
      records.all.set(name, { value: Buffer.from(broken), version: "broken" });
      expect(await tokens.redeem(alice), broken).toBeUndefined();
      expect(await tokens.redeem(bob), broken).toBeDefined();
    }
  });

  it("counts for every login that asks while it is under way: none holds afterwards", async () => {
    const records = memoryRecords();
    const time = { now: NOON };
    const processes = await Promise.all([openAt(records, time), openAt(records, time)]);
    const token = processes[0].issue(SUBJECT);
    time.now += 2000;
    const asking = Array.from({ length: 50 }, (_, index) => processes[index % 2 === 0 ? 0 : 1].redeem(token));
    await revokeRefreshTokens(records, "alice", time.now);
    await Promise.all(asking);
    time.now += 999;
    for (const each of processes) expect(await each.redeem(token)).toBeUndefined();
  });
});
