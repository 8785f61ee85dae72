import { describe, expect, it } from "vitest";
import { sourceOf } from "../../src/throttle/source.js";
import { createLoginThrottle } from "../../src/throttle/throttle.js";

const HERE = "192.0.2.1";
const THERE = "198.51.100.7";

function throttled(options: object = {}) {
  let now = 1_000_000;
  const throttle = createLoginThrottle({ clock: () => now, attempts: 3, delay: 1_000, maxDelay: 10_000, ...options });
  const fail = (times: number, account: string, address = HERE): void => {
    for (let time = 0; time < times; time += 1) throttle.failed(account, address);
  };
  return { throttle, fail, advance: (milliseconds: number) => void (now += milliseconds) };
}

describe("an account at an address", () => {
  it("waits after some failures, each time twice as long, up to a limit", () => {
    const { throttle, fail, advance } = throttled();
    fail(2, "jane");
    expect(throttle.wait("jane", HERE)).toBe(0);
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      fail(1, "jane");
      const wait = throttle.wait("jane", HERE);
      advance(wait);
      expect(throttle.wait("jane", HERE)).toBe(0);
      return wait;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it("doesn't wait for failures elsewhere or of others", () => {
    const { throttle, fail } = throttled();
    fail(5, "jane");
    expect(throttle.wait("jane", HERE)).toBeGreaterThan(0);
    expect(throttle.wait("jane", THERE)).toBe(0);
    expect(throttle.wait("john", HERE)).toBe(0);
  });

  it("starts anew after a right password, and when its failures are long past", () => {
    const { throttle, fail, advance } = throttled();
    fail(3, "jane");
    throttle.succeeded("jane", HERE);
    expect(throttle.wait("jane", HERE)).toBe(0);
    fail(2, "jane");
    advance(15 * 60_000);
    fail(2, "jane");
    expect(throttle.wait("jane", HERE)).toBe(0);
  });

  it("waits no longer than its pause when the clock is set back", () => {
    const { throttle, fail, advance } = throttled();
    fail(3, "jane");
    advance(-500_000);
    expect(throttle.wait("jane", HERE)).toBe(1_000);
  });
});

describe("an address", () => {
  it("has so many failures of whatever accounts, and earns them back slowly", () => {
    const { throttle, fail, advance } = throttled();
    for (let index = 0; index < 15; index += 1) fail(1, `user${index}`);
    expect(throttle.wait("somebody", HERE)).toBe(3_000);
    expect(throttle.wait("somebody", THERE)).toBe(0);
    advance(1_000);
    expect(throttle.wait("somebody", HERE)).toBe(2_000);
    advance(2_000);
    expect(throttle.wait("somebody", HERE)).toBe(0);
    fail(1, "user");
    expect(throttle.wait("somebody", HERE)).toBe(3_000);
    advance(24 * 3_600_000);
    for (let index = 0; index < 14; index += 1) fail(1, `again${index}`);
    expect(throttle.wait("somebody", HERE)).toBe(0);
  });

  it("holds up nobody who logged in from there before", () => {
    const { throttle, fail } = throttled();
    throttle.succeeded("jane", HERE);
    for (let index = 0; index < 30; index += 1) fail(1, `user${index}`);
    expect(throttle.wait("jane", HERE)).toBe(0);
    expect(throttle.wait("john", HERE)).toBeGreaterThan(0);
    fail(3, "jane");
    expect(throttle.wait("jane", HERE)).toBe(1_000);
  });

  it("is forgotten when too many others come: memory is bounded", () => {
    const { throttle, fail } = throttled({ capacity: 2 });
    fail(3, "jane", "192.0.2.1");
    fail(3, "jane", "192.0.2.2");
    fail(3, "jane", "192.0.2.3");
    expect(throttle.wait("jane", "192.0.2.1")).toBe(0);
    expect(throttle.wait("jane", "192.0.2.3")).toBe(1_000);
  });
});

describe("whom attempts are counted for", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, ""],
    ["socket", "socket"],
  ])("%s is %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
