import { describe, expect, it } from "vitest";
import { compileAddress } from "../../src/rules/address.js";

describe("addresses", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", undefined, false],
    ["127.0.0.1", "nonsense", false],
    ["127.0.0.0/8", "127.9.9.9", true],
    ["127.0.0.0/8", "128.0.0.1", false],
    ["127.0.0.1/8", "127.9.9.9", true],
    ["127.0.0.0/8", "::ffff:127.0.0.1", true],
    ["127.0.0.0/8", "::ffff:7f00:1", true],
    ["127.0.0.0/8", "::127.0.0.1", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::ffff:10.0.0.0/104", "10.2.3.4", true],
    ["::ffff:10.0.0.0/104", "11.2.3.4", false],
    ["::ffff:10.1.1.1", "10.1.1.1", true],
    ["2001:db8::1", "2001:db8:0:0::1", true],
    ["2001:db8::1", "2001:db8::2", false],
    ["2001:db8::/48", "2001:db8::2", true],
    ["2001:db8::/48", "2001:db9::2", false],
    ["fe80::/10", "fe80::1%eth0", true],
    ["::1", "::1", true],
    ["::1", "127.0.0.1", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "203.0.113.9", false],
    ["::ffff:0:0/90", "203.0.113.9", false],
  ])("%s takes %s: %s", (pattern, address, expected) => {
    expect(compileAddress(pattern)?.(address)).toBe(expected);
  });

  it.each([
    "foo",
    "",
    "/8",
    "192.168.0.*",
    "192.168.0.1/100",
    "192.168.0.1/33",
    "2001:db8::/222",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "010.0.0.1",
    "10.1",
    "fe80::1%eth0",
    "1.2.3.4 ",
  ])("%j is no address and no block", (pattern) => {
    expect(compileAddress(pattern)).toBeUndefined();
  });
});
