import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNetworks, formatHostPort, isNetwork, networkOf, parseIp, plainAddress } from "../src/network.js";

describe("parseIp", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1", "ipv4"],
    ["::ffff:192.0.2.1", "192.0.2.1", "ipv4"],
    ["::ffff:c000:201", "192.0.2.1", "ipv4"],
    ["0:0:0:0:0:ffff:c000:0201", "192.0.2.1", "ipv4"],
    ["2001:db8::1", "2001:db8::1", "ipv6"],
    ["fe80::1%eth0", "fe80::1", "ipv6"],
  ])("reads %s", (text, address, family) => {
    expect(parseIp(text)).toEqual({ text: address, family });
  });

  it.each(["", "localhost", "192.0.2", "192.0.2.256", "::g", "[::1]", "192.0.2.1:80"])("refuses %j", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it("reads every mapped address as the IPv4 address in it", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(parseIp(`::ffff:${address}`)).toEqual({ text: address, family: "ipv4" });
      }),
    );
  });
});

describe("networks", () => {
  it.each(["192.0.2.1", "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "::ffff:10.0.0.0/104"])("accepts %s", (text) => {
    expect(isNetwork(text)).toBe(true);
  });

  it.each(["", "unix", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "10.0.0.0/-1", "fe80::1%eth0"])(
    "refuses %j",
    (text) => {
      expect(isNetwork(text)).toBe(false);
    },
  );

  it("contain an address in any of them, in any spelling", () => {
    const inside = createNetworks(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203", "2001:db8:1::", "192.0.2.7"]) {
      expect(inside(address), address).toBe(true);
    }
    for (const address of ["11.0.0.1", "2001:db9::", "192.0.2.8", "::1", "unknown", undefined]) {
      expect(inside(address), String(address)).toBe(false);
    }
  });

  it("keep the families apart: no IPv4 address lies in ::/0", () => {
    expect(createNetworks(["::/0"])("192.0.2.1")).toBe(false);
    expect(createNetworks(["0.0.0.0/0"])("2001:db8::1")).toBe(false);
    expect(createNetworks(["::ffff:0:0/96"])("192.0.2.1")).toBe(true);
  });

  it("always contain the address that they were derived from", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat({ max: 32 }), fc.nat({ max: 128 }), (address, ipv4, ipv6) => {
        const network = networkOf(address, { ipv4, ipv6 });
        expect(network).toBeDefined();
        expect(createNetworks([network ?? ""])(address)).toBe(true);
      }),
    );
  });
});

describe("a single address or network", () => {
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
  ])("%s contains %s: %s", (network, address, expected) => {
    expect(createNetworks([network])(address)).toBe(expected);
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
  ])("is not %j", (text) => {
    expect(isNetwork(text)).toBe(false);
    expect(createNetworks([text])("192.0.2.1")).toBe(false);
  });
});

describe("networkOf", () => {
  it.each([
    ["192.0.2.77", "192.0.2.0/24"],
    ["::ffff:192.0.2.77", "192.0.2.0/24"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8::/64"],
  ])("groups %s into %s", (address, network) => {
    expect(networkOf(address, { ipv4: 24, ipv6: 64 })).toBe(network);
  });

  it("has no network for anything else", () => {
    expect(networkOf("unix", { ipv4: 24, ipv6: 64 })).toBeUndefined();
  });
});

describe("addresses in text", () => {
  it("have mapped addresses written as IPv4, and anything else left alone", () => {
    expect(["::ffff:192.0.2.1", "2001:db8::1", "unix", ""].map(plainAddress)).toEqual([
      "192.0.2.1",
      "2001:db8::1",
      "unix",
      "",
    ]);
  });

  it("have IPv6 in brackets before a port", () => {
    expect(formatHostPort("2001:db8::1", 80)).toBe("[2001:db8::1]:80");
    expect(formatHostPort("::ffff:192.0.2.1", 80)).toBe("192.0.2.1:80");
  });
});
