import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLocalCounter, type LimitCounter } from "../src/ratelimit/counter.js";
import { decide } from "../src/ratelimit/gcra.js";
import { createClientLimits, type LimitedRequest } from "../src/ratelimit/limits.js";
import { rateLimitSection } from "../src/ratelimit/options.js";

describe("the rate", () => {
  const rates = fc.record({ limit: fc.integer({ min: 1, max: 1000 }), window: fc.integer({ min: 1000, max: 1e9 }) });
  const steps = fc.array(
    fc.record({ pause: fc.integer({ min: 0, max: 1e6 }), cost: fc.integer({ min: 1, max: 20 }) }),
    {
      maxLength: 200,
    },
  );

  it("never lets through more than twice the limit in a window, and all of it at once", () => {
    fc.assert(
      fc.property(rates, steps, (rate, list) => {
        let freeAt: number | undefined;
        let now = 0;
        const passed: { readonly at: number; readonly cost: number }[] = [];
        for (const { pause, cost } of list) {
          now += pause;
          const standing = decide(freeAt, cost, rate, now);
          freeAt = standing.freeAt;
          if (standing.allowed) passed.push({ at: now, cost });
          expect(standing.remaining).toBeGreaterThanOrEqual(0);
          expect(standing.remaining).toBeLessThanOrEqual(rate.limit);
        }
        for (const { at } of passed) {
          const within = passed.filter((each) => each.at >= at && each.at < at + rate.window);
          expect(within.reduce((sum, each) => sum + each.cost, 0)).toBeLessThanOrEqual(2 * rate.limit + 1);
        }
      }),
    );
  });

  it("allows exactly what it says is left, and after the wait what it refused", () => {
    fc.assert(
      fc.property(rates, steps, fc.integer({ min: 1, max: 20 }), (rate, list, cost) => {
        let freeAt: number | undefined;
        let now = 0;
        for (const step of list) freeAt = decide(freeAt, step.cost, rate, (now += step.pause)).freeAt;
        const { remaining } = decide(freeAt, 0, rate, now);
        if (remaining > 0) expect(decide(freeAt, remaining, rate, now).allowed).toBe(true);
        expect(decide(freeAt, remaining + 1, rate, now).allowed).toBe(false);
        const refused = decide(freeAt, Math.min(cost, rate.limit), rate, now);
        if (!refused.allowed) {
          expect(refused.wait).toBeLessThanOrEqual(rate.window);
          expect(decide(freeAt, Math.min(cost, rate.limit), rate, now + refused.wait).allowed).toBe(true);
        }
      }),
    );
  });

  it("lets bytes that were sent be owed", () => {
    const rate = { limit: 100, window: 1000 };
    const owed = decide(undefined, 250, rate, 0, true);
    expect(owed).toMatchObject({ allowed: true, remaining: 0 });
    expect(decide(owed.freeAt, 0, rate, 1400).allowed).toBe(false);
    expect(decide(owed.freeAt, 0, rate, 1600).allowed).toBe(true);
  });
});

describe("rules", () => {
  const meet = (rules: readonly object[], counter: LimitCounter = createLocalCounter(100, () => 0)) => {
    const limits = createClientLimits(rateLimitSection.parse({ rules }), counter);
    return (request: Partial<LimitedRequest>) => {
      const verdict = limits.meet({ account: "", address: "192.0.2.1", repository: "a", action: "pull", ...request });
      if (verdict instanceof Promise) throw new Error("counted elsewhere");
      return verdict;
    };
  };

  it("count each account, and the address of who isn't logged in", () => {
    const ask = meet([{ name: "all", limit: 1 }]);
    expect(ask({})?.refusal).toBeUndefined();
    expect(ask({})?.refusal?.rule.name).toBe("all");
    expect(ask({ account: "ann" })?.refusal).toBeUndefined();
    expect(ask({ account: "ann", address: "192.0.2.9" })?.refusal?.rule.name).toBe("all");
    expect(ask({ address: "2001:db8::1" })?.refusal).toBeUndefined();
    expect(ask({ address: "2001:db8::ffff" })?.refusal?.rule.name).toBe("all");
    expect(ask({ address: "2001:db8:0:1::1" })?.refusal).toBeUndefined();
  });

  it("are for whom they say", () => {
    const ask = meet([
      { name: "anonymous", clients: "anonymous", limit: 1, exceptnetworks: ["10.0.0.0/8"], actions: ["pull"] },
      { name: "robots", clients: "accounts", accounts: ["robot-*"], repositories: ["team/*"], limit: 1 },
    ]);
    expect(ask({ address: "10.1.1.1" })).toBeUndefined();
    expect(ask({ action: "push" })).toBeUndefined();
    expect(ask({})?.shown).toMatchObject({ rule: { name: "anonymous" }, remaining: 0 });
    expect(ask({ account: "ann", repository: "team/app" })).toBeUndefined();
    expect(ask({ account: "robot-1" })).toBeUndefined();
    expect(ask({ account: "robot-1", repository: "team/app" })?.shown?.rule.name).toBe("robots");
  });

  it("count pulls as Docker Hub does", () => {
    const ask = meet([{ name: "hub", count: "pulls", limit: 2, window: "6h" }]);
    expect(ask({})).toBeUndefined();
    expect(ask({ manifest: "head" })?.shown?.remaining).toBe(2);
    expect(ask({ manifest: "get" })?.shown?.remaining).toBe(1);
    expect(ask({ manifest: "get" })?.shown?.remaining).toBe(0);
    expect(ask({ manifest: "get" })?.refusal).toMatchObject({ wait: 3 * 60 * 60_000 });
  });

  it("count bytes when they were sent", () => {
    const ask = meet([{ name: "traffic", count: "bytes", limit: 1000 }]);
    const first = ask({});
    first?.ended?.(1500);
    expect(ask({})?.refusal?.rule.name).toBe("traffic");
  });

  it("count nothing for a request that one of them refuses", () => {
    const ask = meet([
      { name: "much", limit: 10 },
      { name: "little", limit: 1 },
    ]);
    for (let index = 0; index < 5; index += 1) ask({});
    expect(ask({})?.refusal?.rule.name).toBe("little");
    const many = meet([{ name: "much", limit: 10 }]);
    many({});
    expect(many({})?.shown?.remaining).toBe(8);
  });

  it("forget the client that was seen longest ago", () => {
    const ask = meet(
      [{ name: "all", limit: 1 }],
      createLocalCounter(2, () => 0),
    );
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) ask({ address });
    expect(ask({ address: "192.0.2.3" })?.refusal).toBeDefined();
    expect(ask({ address: "192.0.2.1" })?.refusal).toBeUndefined();
  });
});
