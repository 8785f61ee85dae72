import { describe, expect, it } from "vitest";
import type { LoginRegistrar } from "../../src/throttle/login-registrar.js";
import { createLoginLedger, createSharedLedger } from "../../src/throttle/login-ledger.js";
import { createLoginThrottle } from "../../src/throttle/login-throttle.js";

const HERE = "192.0.2.1";

function site(attempts = 3) {
  let now = 1_000_000;
  const clock = () => now;
  const throttle = () => createLoginThrottle({ clock, attempts, delay: 1_000, maxDelay: 10_000 });
  return { clock, throttle, advance: (milliseconds: number) => void (now += milliseconds) };
}

/** Tries until it has to wait; resolves to the number of attempts. */
async function guess(ledger: LoginRegistrar, most = 50): Promise<number> {
  for (let attempt = 0; attempt < most; attempt += 1) {
    const { wait, settle } = await ledger.begin("jane", HERE);
    if (wait > 0) return attempt;
    await settle("wrong");
  }
  return most;
}

describe("a ledger of failed logins", () => {
  it("allows concurrent guesses no more than sequential ones", async () => {
    const ledger = createLoginLedger(site(10).throttle());
    const counts = await Promise.all(Array.from({ length: 40 }, () => guess(ledger)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
  });

  it("admits right passwords, many at once, and ignores what couldn't be compared", async () => {
    const ledger = createLoginLedger(site(2).throttle());
    const login = async (outcome: "right" | "unknown"): Promise<number> => {
      const { wait, settle } = await ledger.begin("jane", HERE);
      await settle(outcome);
      return wait;
    };
    for (const outcome of ["right", "unknown"] as const)
      expect(await Promise.all(Array.from({ length: 20 }, () => login(outcome)))).toEqual(Array(20).fill(0));
  });
});

describe("a ledger that processes share", () => {
  it("counts failures in any of them", async () => {
    const { clock, throttle } = site(10);
    const registrar = createLoginLedger(throttle());
    const ledgers = Array.from({ length: 4 }, () => createSharedLedger({ throttle: throttle(), registrar, clock }));
    const counts = await Promise.all(ledgers.flatMap((ledger) => [guess(ledger), guess(ledger)]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    for (const ledger of ledgers) expect(ledger.wait("jane", HERE)).toBe(1_000);
  });

  it("delays no one beyond the wait when the clock is set back", async () => {
    const { clock, throttle, advance } = site();
    const ledger = createSharedLedger({ throttle: throttle(), registrar: createLoginLedger(throttle()), clock });
    await guess(ledger);
    expect(ledger.wait("jane", HERE)).toBe(1_000);
    advance(-3_600_000);
    expect(ledger.wait("jane", HERE)).toBe(1_000);
    advance(1_000);
    expect(ledger.wait("jane", HERE)).toBe(0);
    // The registrar notices the step at the next question, and measures the wait from then.
    expect(await guess(ledger)).toBe(0);
    advance(1_000);
    expect(await guess(ledger)).toBe(1);
  });

  it("remembers how long a client has to wait, and doesn't ask again until then", async () => {
    const { clock, throttle, advance } = site();
    const registrar = createLoginLedger(throttle());
    let asked = 0;
    const counting: LoginRegistrar = {
      begin: (...question) => {
        asked += 1;
        return registrar.begin(...question);
      },
    };
    await guess(registrar);
    const ledger = createSharedLedger({ throttle: throttle(), registrar: counting, clock });
    for (let index = 0; index < 5; index += 1) expect((await ledger.begin("jane", HERE)).wait).toBe(1_000);
    expect(asked).toBe(1);
    advance(1_000);
    expect(ledger.wait("jane", HERE)).toBe(0);
    expect((await ledger.begin("jane", HERE)).wait).toBe(0);
    expect(asked).toBe(2);
  });

  it("is what this process saw itself if the registrar doesn't answer", async () => {
    const { clock, throttle } = site();
    const away = () => Promise.reject(new Error("no answer"));
    const ledger = createSharedLedger({ throttle: throttle(), registrar: { begin: away }, clock });
    expect(await guess(ledger)).toBe(3);
    expect(ledger.wait("jane", HERE)).toBe(1_000);
  });
});
