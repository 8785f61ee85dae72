import { describe, expect, it } from "vitest";
import { networksOf, sourceOf } from "../../src/throttle/attempt-source.js";
import { createLoginThrottle } from "../../src/throttle/login-throttle.js";

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
  it("waits after some failures, twice as long each time, up to a limit", () => {
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

  it("doesn't wait because of failures elsewhere or of others", () => {
    const { throttle, fail } = throttled();
    fail(5, "jane");
    expect(throttle.wait("jane", HERE)).toBeGreaterThan(0);
    expect(throttle.wait("jane", THERE)).toBe(0);
    expect(throttle.wait("john", HERE)).toBe(0);
  });

  it("starts afresh after a right password, and when its failures are long past", () => {
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
    advance(1_000);
    expect(throttle.wait("jane", HERE)).toBe(0);
  });

  it("waits no longer than its pause when the clock is set forwards and back", () => {
    const { throttle, fail, advance } = throttled();
    fail(3, "jane");
    advance(24 * 3_600_000);
    expect(throttle.wait("jane", HERE)).toBe(0);
    fail(3, "jane");
    advance(-24 * 3_600_000);
    expect(throttle.wait("jane", HERE)).toBe(1_000);
    advance(1_000);
    expect(throttle.wait("jane", HERE)).toBe(0);
  });
});

describe("an address", () => {
  it("regains its attempts after the clock was set back", () => {
    const { throttle, fail, advance } = throttled();
    for (let index = 0; index < 15; index += 1) fail(1, `user${index}`);
    advance(-3_600_000);
    expect(throttle.wait("somebody", HERE)).toBe(3_000);
    advance(3_000);
    expect(throttle.wait("somebody", HERE)).toBe(0);
  });

  it("has a number of failures across all accounts, and regains them slowly", () => {
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

  it("doesn't delay users who logged in from there before", () => {
    const { throttle, fail } = throttled();
    throttle.succeeded("jane", HERE);
    for (let index = 0; index < 30; index += 1) fail(1, `user${index}`);
    expect(throttle.wait("jane", HERE)).toBe(0);
    expect(throttle.wait("john", HERE)).toBeGreaterThan(0);
    fail(3, "jane");
    expect(throttle.wait("jane", HERE)).toBe(1_000);
  });

  it("is evicted when there are too many others, so that memory is bounded", () => {
    const { throttle, fail } = throttled({ capacity: 2 });
    fail(3, "jane", "192.0.2.1");
    fail(3, "jane", "192.0.2.2");
    fail(3, "jane", "192.0.2.3");
    expect(throttle.wait("jane", "192.0.2.1")).toBe(0);
    expect(throttle.wait("jane", "192.0.2.3")).toBe(1_000);
  });
});

describe("the source that failures are counted against", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8::/64"],
    ["::1", "::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    [undefined, ""],
    ["socket", "socket"],
  ])("for %s is %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

describe("the networks that take turns", () => {
  it.each([
    ["192.0.2.77", ["192.0.2.0/24", "192.0.2.77"]],
    ["2001:db8:1:2ff:3::6", ["2001:db8:1::/48", "2001:db8:1:200::/56", "2001:db8:1:2ff::/64"]],
    [undefined, [""]],
    ["socket", ["socket"]],
  ])("of %s are %j", (address, networks) => {
    expect(networksOf(address)).toEqual(networks);
  });
});

describe("trust", () => {
  it("depends on what was seen of an account at an address", () => {
    const { throttle, fail, advance } = throttled();
    expect(throttle.trust("jane", HERE)).toBe("clean");
    throttle.succeeded("jane", HERE);
    fail(1, "john");
    expect(throttle.trust("jane", HERE)).toBe("known");
    expect(throttle.trust("john", HERE)).toBe("suspect");
    expect(throttle.trust("jane", THERE)).toBe("clean");
    advance(15 * 60_000);
    expect(throttle.trust("john", HERE)).toBe("clean");
    expect(throttle.trust("jane", HERE)).toBe("known");
  });
});
