import { AuthError } from "@longshore/auth";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Login } from "../../src/contract.js";
import { compileScopes, normalizeScopes } from "../../src/personal-tokens/token-scopes.js";
import { openTokenStore } from "../../src/personal-tokens/token-store.js";
import { generateToken, idOf } from "../../src/personal-tokens/token-text.js";
import { describeToken, type TokenWish } from "../../src/personal-tokens/token-wish.js";
import { loginContext, memoryRecords } from "../support.js";
import { openSite, person, type TestSite } from "./site.js";

const DAY = 86_400_000;

/** A site whose clock the test sets. */
async function open(options: object = {}): Promise<TestSite & { now: number }> {
  const time = { now: Date.now() };
  const site = await openSite({ clock: () => time.now, options });
  onTestFinished(() => site.source.close());
  return Object.defineProperty(Object.assign(site, time), "now", {
    get: () => time.now,
    set: (now: number) => void (time.now = now),
  });
}

async function create(site: TestSite, wish: TokenWish): Promise<string> {
  const policy = { now: site.ports.clock(), maxLifetime: 0, creator: "test", sources: ["people", "elsewhere"] };
  return (await openTokenStore(site.ports.records).create(describeToken(wish, policy))).text;
}

function login(site: TestSite, password: string, account = "anything"): Promise<Login> {
  return site.source.verify({ account, password }, loginContext());
}

function reason(found: Login): string {
  return found.outcome === "failed" ? found.reason : found.outcome;
}

describe("personal access tokens as passwords", () => {
  test("say whose they are, whatever the user name is, and give no refresh token", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci", labels: { team: ["web"] } });
    expect(await login(site, token)).toMatchObject({
      outcome: "identified",
      identity: {
        account: "robot/ci",
        labels: new Map([["team", ["web"]]]),
        token: expect.stringMatching(/^[0-9a-f]{20}$/) as string,
      },
      renewable: false,
    });
  });

  test("that aren't ours are left to other sources, and mistyped ones cost no look at the storage", async () => {
    const records = memoryRecords();
    let reads = 0;
    const site = await openSite({
      records: {
        ...records,
        read(name) {
          reads += 1;
          return records.read(name);
        },
      },
    });
    onTestFinished(() => site.source.close());
    expect(await login(site, "secret")).toEqual({ outcome: "unknown" });
    expect(reason(await login(site, "lspat_"))).toContain("typing error");
    expect(reason(await login(site, generateToken().replace(/.$/, "!")))).toContain("typing error");
    expect(reads).toBe(0);
    expect(reason(await login(site, generateToken()))).toContain("doesn't exist");
    expect(reads).toBe(1);
  });

  test("end when they expire", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci", expires: "1h" });
    expect(await login(site, token)).toMatchObject({ outcome: "identified" });
    site.now += 3_600_000;
    expect(reason(await login(site, token))).toContain("has expired");
  });

  test("end within a second when they are revoked, in a process that knows nothing of it", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci" });
    expect(await login(site, token)).toMatchObject({ outcome: "identified" });
    await openTokenStore(site.ports.records).remove(idOf(token));
    site.now += 999;
    expect(reason(await login(site, token))).toContain("was revoked");
  });

  test("are read once however many clients show one", async () => {
    const records = memoryRecords();
    let reads = 0;
    const time = { now: 1_000_000 };
    const site = await openSite({
      clock: () => time.now,
      records: {
        ...records,
        read(name) {
          if (name.startsWith("token-server/personal-tokens/")) reads += 1;
          return records.read(name);
        },
      },
    });
    onTestFinished(() => site.source.close());
    const token = await create(site, { robot: "ci" });
    await Promise.all(Array.from({ length: 50 }, () => login(site, token)));
    expect(reads).toBe(1);
    time.now += 1000;
    await login(site, token);
    expect(reads).toBe(2);
  });

  test("limit what their account may do", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci", scopes: ["repository:team/*:pull", "repository:team/app:push"] });
    const found = await login(site, token);
    const limit = found.outcome === "identified" ? found.limit : undefined;
    const wanted = { type: "repository", actions: ["delete", "pull", "push"] };
    expect(limit?.({ ...wanted, name: "team/app" })).toEqual(["pull", "push"]);
    expect(limit?.({ ...wanted, name: "team/web" })).toEqual(["pull"]);
    expect(limit?.({ ...wanted, name: "team/web/deep" })).toEqual([]);
    expect(limit?.({ ...wanted, name: "other/app" })).toEqual([]);
    expect(limit?.({ ...wanted, type: "registry", name: "team/app" })).toEqual([]);
  });

  test("whose record can't be read are good for nothing", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci" });
    const name = `token-server/personal-tokens/${idOf(token)}`;
    const { records } = site.ports;
    for (const value of ["", "{}", '{"version":2}', "\u0000"]) {
      await records.remove(name);
      await records.create(name, Buffer.from(value));
      site.now += 1000;
      await expect(login(site, token)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
  });

  test("aren't those whose digest only begins the same", async () => {
    const site = await open();
    const [token, other] = [await create(site, { robot: "ci" }), generateToken()];
    const { records } = site.ports;
    const found = await records.read(`token-server/personal-tokens/${idOf(token)}`);
    await records.create(`token-server/personal-tokens/${idOf(other)}`, found?.value ?? new Uint8Array());
    expect(reason(await login(site, other))).toContain("doesn't exist");
  });

  test("are nowhere in the storage or in the log", async () => {
    const site = await open();
    const token = await create(site, { robot: "ci" });
    await login(site, token);
    await login(site, generateToken());
    await site.source.close();
    const { records, log } = site.ports;
    const kept: string[] = [...log.lines];
    for await (const name of records.list("token-server")) {
      kept.push(name, Buffer.from((await records.read(name))?.value ?? []).toString("utf8"));
    }
    expect(kept.join("\n")).not.toContain(token.slice(6, 36));
    expect(kept.join("\n")).not.toContain("lspat_");
  });
});

describe("the account of a token", () => {
  test("is as its source has it now", async () => {
    const site = await open();
    site.people.set("ann", person("ann", { group: ["a"] }));
    const token = await create(site, { account: "ann", source: "people" });
    expect(await login(site, token)).toMatchObject({ identity: { labels: new Map([["group", ["a"]]]) } });
    site.people.set("ann", person("ann", { group: ["b"] }));
    await login(site, token);
    expect(site.lookups).toBe(1);
    site.now += 300_000;
    expect(await login(site, token)).toMatchObject({ identity: { labels: new Map([["group", ["b"]]]) } });
    site.people.delete("ann");
    site.now += 300_000;
    expect(reason(await login(site, token))).toContain("is gone");
  });

  test("holds for a while when its source is down", async () => {
    const site = await open({ grace: "1h" });
    site.people.set("ann", person("ann"));
    const token = await create(site, { account: "ann", source: "people" });
    site.fault = new AuthError({ code: "UNAVAILABLE", reason: "the directory is down" });
    await expect(login(site, token)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    site.fault = undefined;
    expect(await login(site, token)).toMatchObject({ outcome: "identified" });
    site.fault = new AuthError({ code: "UNAVAILABLE", reason: "the directory is down" });
    site.now += 1_800_000;
    expect(await login(site, token)).toMatchObject({ outcome: "identified" });
    site.now += 1_800_000;
    await expect(login(site, token)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("is what its creator said if its source can't look accounts up", async () => {
    const site = await open();
    const token = await create(site, { account: "ann", source: "elsewhere", labels: { group: ["x"] } });
    expect(await login(site, token)).toMatchObject({
      identity: { account: "ann", labels: new Map([["group", ["x"]]]) },
    });
  });
});

describe("the last use", () => {
  test("is written once a minute at most, and at the end", async () => {
    const records = memoryRecords();
    const writes: string[] = [];
    const time = { now: Date.UTC(2026, 0, 1) };
    const site = await openSite({
      clock: () => time.now,
      records: {
        ...records,
        create(name, value) {
          if (name.includes("use")) writes.push(Buffer.from(value).toString());
          return records.create(name, value);
        },
        replace(name, value, version) {
          writes.push(Buffer.from(value).toString());
          return records.replace(name, value, version);
        },
      },
    });
    const token = await create(site, { robot: "ci" });
    for (let count = 0; count < 20; count += 1) await login(site, token);
    await expect.poll(() => writes.length, { timeout: 60_000 }).toBe(1);
    time.now += 30_000;
    await login(site, token);
    time.now += 31_000;
    await login(site, token);
    await site.source.close();
    expect(writes).toEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 61_000].map((at) => JSON.stringify({ at })));
  });

  test("that can't be written is no reason to refuse a login", async () => {
    const records = memoryRecords();
    const site = await openSite({
      records: {
        ...records,
        create: (name, value) =>
          name.includes("use") ? Promise.reject(new Error("disk full")) : records.create(name, value),
      },
    });
    const token = await create(site, { robot: "ci" });
    expect(await login(site, token)).toMatchObject({ outcome: "identified" });
    await site.source.close();
    expect(site.ports.log.lines.join()).toContain("disk full");
  });
});

describe("scopes", () => {
  test.each([
    "repository",
    "repository:a",
    "repository:a:",
    "repository(plugin):a:pull",
    "repository:a\\:pull",
    "x y:a:b",
  ])("%s is none", (scope) => {
    expect(() => normalizeScopes([scope])).toThrow(/scope|backslash/);
  });

  test("have one spelling", () => {
    expect(normalizeScopes(["repository:a:push,pull,push"])).toEqual(["repository:a:pull,push"]);
    expect(normalizeScopes([])).toBeUndefined();
  });

  test("only ever narrow", () => {
    const names = fc.constantFrom("a", "a/b", "team/app", "*", "team/*", "**");
    const actions = fc.subarray(["pull", "push", "delete", "*"], { minLength: 1 });
    const scopes = fc.array(
      fc.tuple(names, actions).map(([name, all]) => `repository:${name}:${all.join(",")}`),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(scopes, fc.constantFrom("a", "a/b", "team/app", "x"), actions, (texts, name, wanted) => {
        const limited = compileScopes(texts)?.({ type: "repository", name, actions: wanted }) ?? [];
        expect(wanted).toEqual(expect.arrayContaining([...limited]));
        expect(limited.length).toBeLessThanOrEqual(wanted.length);
      }),
    );
  });
});

describe("a wish for a token", () => {
  const policy = { now: Date.UTC(2026, 0, 1), maxLifetime: 365 * DAY, creator: "ann", sources: ["people", "ldap"] };
  const expires = (wish: TokenWish): number | undefined => describeToken(wish, policy).expires;

  test("has an end, in whatever form", () => {
    const { now } = policy;
    expect(expires({ account: "a" })).toBe(now + 90 * DAY);
    expect(expires({ account: "a", expires: "30d" })).toBe(now + 30 * DAY);
    expect(expires({ account: "a", expires: "12h" })).toBe(now + DAY / 2);
    expect(expires({ account: "a", expires: "2026-02-01" })).toBe(Date.UTC(2026, 1, 1));
    expect(expires({ account: "a", expires: "2026-02-01T12:00:00Z" })).toBe(Date.UTC(2026, 1, 1, 12));
    expect(expires({ robot: "a", expires: "never" })).toBeUndefined();
    expect(expires({ robot: "a", expires: "3650d" })).toBe(now + 3650 * DAY);
  });

  test.each<[TokenWish, string]>([
    [{}, "an account or a robot"],
    [{ account: "a", robot: "b" }, "not for both"],
    [{ account: "" }, "no account has such a name"],
    [{ account: "robot/ci" }, "name the robot ci instead"],
    [{ robot: "$ci" }, "can't be a robot's name"],
    [{ robot: "CI" }, "can't be a robot's name"],
    [{ account: "a", expires: "never" }, "at most 365 days"],
    [{ account: "a", expires: "366d" }, "at most 365 days"],
    [{ account: "a", expires: "-1h" }, "expired already"],
    [{ account: "a", expires: "2025-01-01" }, "expired already"],
    [{ account: "a", expires: "soon" }, "is no time"],
    [{ account: "a", expires: "2026-02-31" }, "expired already|is no time"],
    [{ account: "a", name: "x\ny" }, "control characters"],
    [{ account: "a", scopes: ["everything"] }, "is no scope"],
    [{ account: "a", source: "ldpa" }, 'no source "ldpa" of accounts: configured are people, ldap'],
    [{ robot: "a", source: "ldap" }, "a robot is in no source"],
  ])("%j is refused", (wish, message) => {
    expect(() => describeToken(wish, { ...policy, now: Date.UTC(2026, 5, 1) })).toThrow(
      new RegExp(message.replaceAll("$", "\\$")),
    );
  });
});
