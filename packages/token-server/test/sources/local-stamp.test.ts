import { expect, it } from "vitest";
import { openRefreshTokens, revokeRefreshTokens } from "../../src/endpoint/refresh-tokens.js";
import { createLocalSource } from "../../src/sources/local/local-source.js";
import { loginContext, memoryRecords } from "../support.js";

it("a refresh token ends with the password that it was issued for, and when it is revoked", async () => {
  const clock = { now: Date.parse("2026-11-29T12:00:00Z") };
  let hash = "the first hash";
  const source = createLocalSource({
    users: () => ({ cost: 4, find: (name) => (name === "alice" ? { hash, labels: new Map() } : undefined) }),
    anonymous: undefined,
    comparer: { compare: () => Promise.resolve(true), close: () => Promise.resolve() },
    clock: () => clock.now,
    cachettl: 0,
    check: () => undefined,
    reload: () => Promise.resolve(),
  });
  const records = memoryRecords();
  const tokens = await openRefreshTokens(records, { clock: () => clock.now, lifetime: 3_600_000 });
  const stamp = async () => (await source.lookup?.("alice", loginContext()))?.stamp;
  const token = tokens.issue({ source: "local", account: "alice", service: "registry", stamp: await stamp() });
  expect((await tokens.redeem(token))?.isFor(await stamp())).toBe(true);
  hash = "the second hash";
  expect((await tokens.redeem(token))?.isFor(await stamp())).toBe(false);
  clock.now += 2000;
  await revokeRefreshTokens(records, "alice", clock.now);
  expect(await tokens.redeem(token)).toBeUndefined();
  clock.now += 2000;
  const later = tokens.issue({ source: "local", account: "alice", service: "registry", stamp: await stamp() });
  expect(await tokens.redeem(later)).toBeDefined();
  clock.now += 3_600_000;
  expect(await tokens.redeem(later)).toBeUndefined();
});
