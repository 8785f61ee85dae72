import { AuthError } from "@longshore/auth";
import { describe, expect, it } from "vitest";
import type { Login } from "../../../src/contract.js";
import { guardSource } from "../../../src/sources/chain/guard.js";
import { loginContext } from "../../support.js";
import { credentials, deferred, failure, identified, sourceOf } from "../support.js";

const LIMITS = { timeout: 60_000, concurrency: 4, cachettl: 0 };
const WRONG: Login = { outcome: "failed", reason: "wrong password" };

const never = <T>() => new Promise<T>(() => undefined);
const alice = credentials("alice:secret");

describe("a guarded source", () => {
  it("ends a login when its time is up, even if the source ignores its signal", async () => {
    const source = guardSource(
      sourceOf("slow", () => never()),
      { ...LIMITS, timeout: 20 },
      Date.now,
    );
    const error = await failure(() => source.verify(alice, loginContext()));
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.message).toBe("slow didn't answer within 20 ms");
  });

  it("tells the source when its time is up, and when the only client is gone", async () => {
    const reasons: unknown[] = [];
    const source = sourceOf("slow", (_, { signal }) => {
      signal.addEventListener("abort", () => void reasons.push(signal.reason));
      return never();
    });
    await failure(() => guardSource(source, { ...LIMITS, timeout: 20 }, Date.now).verify(alice, loginContext()));
    expect(reasons).toHaveLength(1);
    const client = new AbortController();
    const answer = guardSource(source, LIMITS, Date.now).verify(alice, loginContext({ signal: client.signal }));
    const gone = new Error("the client is gone");
    client.abort(gone);
    await expect(answer).rejects.toBe(gone);
    expect(reasons).toHaveLength(2);
  });

  it("verifies the same credentials once for all who wait, also if the first of them is gone", async () => {
    const answer = deferred<Login>();
    let calls = 0;
    const source = guardSource(
      sourceOf("ldap", () => {
        calls += 1;
        return answer.promise;
      }),
      LIMITS,
      Date.now,
    );
    const client = new AbortController();
    const first = source.verify(alice, loginContext({ signal: client.signal }));
    const second = source.verify(alice, loginContext());
    client.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    answer.resolve(identified("alice"));
    expect((await second).outcome).toBe("identified");
    expect(calls).toBe(1);
  });

  it("remembers logins for a time, by account, password and service, and refusals never", async () => {
    let now = 1_000_000;
    const asked: string[] = [];
    const source = guardSource(
      sourceOf("ldap", ({ account, password }) => {
        asked.push(`${account}:${password}`);
        return Promise.resolve(password === "secret" ? identified(account) : WRONG);
      }),
      { ...LIMITS, cachettl: 60_000 },
      () => now,
    );
    const ask = (text: string, service = "registry") => source.verify(credentials(text), loginContext({ service }));
    await ask("alice:secret");
    await ask("alice:secret");
    expect(asked).toEqual(["alice:secret"]);
    expect((await ask("alice:wrong")).outcome).toBe("failed");
    expect((await ask("alice:wrong")).outcome).toBe("failed");
    await ask("bob:secret");
    await ask("alice:secret", "another");
    expect(asked).toHaveLength(5);
    now += 60_001;
    await ask("alice:secret");
    expect(asked).toHaveLength(6);
    now -= 3_600_000;
    await ask("alice:secret");
    expect(asked).toHaveLength(7);
  });

  it("answers what is known while every place is taken", async () => {
    const source = guardSource(
      sourceOf("ldap", ({ account }) => (account === "alice" ? Promise.resolve(identified("alice")) : never())),
      { ...LIMITS, cachettl: 60_000 },
      Date.now,
    );
    await source.verify(alice, loginContext());
    for (let n = 0; n < 50; n += 1)
      void source
        .verify(credentials(`user${n}:x`), loginContext({ remoteAddress: `203.0.113.${n}` }))
        .catch(() => undefined);
    expect((await source.verify(alice, loginContext())).outcome).toBe("identified");
  });

  it("runs no more logins at a time than it may, and leaves room beside a busy address", async () => {
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const source = guardSource(
      sourceOf("ldap", ({ account }) => {
        running += 1;
        most = Math.max(most, running);
        if (account === "other") return Promise.resolve(identified(account));
        return new Promise<Login>((resolve) => {
          ends.push(() => {
            running -= 1;
            resolve(WRONG);
          });
        });
      }),
      LIMITS,
      Date.now,
    );
    const busy = Array.from({ length: 20 }, (_, n) => source.verify(credentials(`busy${n}:x`), loginContext()));
    expect((await source.verify(credentials("other:x"), loginContext({ remoteAddress: "198.51.100.7" }))).outcome).toBe(
      "identified",
    );
    running -= 1;
    while (ends.length > 0) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(busy);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("turns away what would wait too long behind others of its address", async () => {
    const source = guardSource(
      sourceOf("ldap", () => never()),
      LIMITS,
      Date.now,
    );
    const attempts = Array.from({ length: 200 }, (_, n) =>
      source.verify(credentials(`user${n}:x`), loginContext()).then(
        () => "verified",
        (error: unknown) => (error instanceof AuthError ? error.code : "unknown"),
      ),
    );
    expect(await Promise.race(attempts)).toBe("THROTTLED");
  });

  it("leaves a source alone after repeated failures, and tries it again after a pause", async () => {
    let now = 1_000_000;
    let calls = 0;
    let isDown = true;
    const source = guardSource(
      sourceOf("ldap", () => {
        calls += 1;
        return isDown ? Promise.reject(new Error("connection refused")) : Promise.resolve(identified("alice"));
      }),
      LIMITS,
      () => now,
    );
    for (let n = 0; n < 8; n += 1)
      expect((await failure(() => source.verify(alice, loginContext()))).code).toBe("UNAVAILABLE");
    expect(calls).toBe(5);
    now += 5_001;
    isDown = false;
    expect((await source.verify(alice, loginContext())).outcome).toBe("identified");
    expect(calls).toBe(6);
  });

  it("passes on what a source has found, and looks accounts up within the same limits", async () => {
    const recalling = sourceOf("local", () => never(), { recall: () => identified("alice") });
    expect((await guardSource(recalling, LIMITS, Date.now).verify(alice, loginContext())).outcome).toBe("identified");
    const hanging = sourceOf("ldap", () => never(), { lookup: () => never() });
    const guarded = guardSource(hanging, { ...LIMITS, timeout: 20 }, Date.now);
    expect((await failure(() => guarded.lookup?.("alice", loginContext()))).code).toBe("UNAVAILABLE");
    const program = guardSource(
      sourceOf("program", () => never()),
      LIMITS,
      Date.now,
    );
    expect(Object.keys(program)).not.toContain("lookup");
  });
});
