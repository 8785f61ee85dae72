import { describe, expect, it } from "vitest";
import { createRefusedLogins } from "../../src/http/access/refused-logins.js";
import { silentLog, type LogFields } from "../../src/observability/log.js";

function watch() {
  const lines: LogFields[] = [];
  const clock = { now: 1_000_000 };
  const logins = createRefusedLogins(
    { ...silentLog, warn: (_, fields = {}) => void lines.push(fields) },
    () => clock.now,
  );
  const refuse = (count: number, address = "203.0.113.9"): void => {
    for (let index = 0; index < count; index += 1) logins.note({ account: `u${index}`, address, reason: "wrong" });
  };
  return { lines, clock, refuse };
}

describe("refused logins", () => {
  it("cause no warning while they are few, however long it lasts", () => {
    const { lines, clock, refuse } = watch();
    for (let minute = 0; minute < 100; minute += 1) {
      refuse(15);
      clock.now += 61_000;
    }
    expect(lines).toEqual([]);
  });

  it("are one warning a minute that sums them up when they are many", () => {
    const { lines, clock, refuse } = watch();
    for (let second = 0; second < 180; second += 1) {
      refuse(100);
      clock.now += 1000;
    }
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ logins: 20, accounts: 20, addresses: 1, error: "wrong" });
    expect(lines[1]).toMatchObject({ logins: 5981, accounts: 100, addresses: 1 });
  });

  it("don't count old refusals", () => {
    const { lines, clock, refuse } = watch();
    refuse(100);
    clock.now += 86_400_000;
    refuse(1);
    expect(lines).toHaveLength(1);
  });

  it("are counted in bounded memory", () => {
    const { lines, clock, refuse } = watch();
    refuse(20);
    refuse(50_000);
    clock.now += 60_000;
    refuse(1);
    expect(lines[1]).toMatchObject({ logins: 50_001, accounts: 1000 });
  });
});
