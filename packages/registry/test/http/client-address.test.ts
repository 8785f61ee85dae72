import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { isTrustedProxy } from "../../src/config/trusted-proxy.js";
import { createClientAddresses } from "../../src/http/client/client-address.js";

function request(peer: string | undefined, headers: Readonly<Record<string, string>> = {}): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: peer });
  return Object.assign(new IncomingMessage(socket), { headers });
}

describe("the client's address", () => {
  it.each<readonly [string, readonly string[], string | undefined, Record<string, string>, string | undefined]>([
    ["the connection's other end", [], "198.51.100.1", { "x-forwarded-for": "203.0.113.9" }, "198.51.100.1"],
    ["a mapped IPv4 address is plain", [], "::ffff:198.51.100.1", {}, "198.51.100.1"],
    ["a unix socket has none", [], undefined, { "x-forwarded-for": "203.0.113.9" }, undefined],
    ["who isn't trusted isn't believed", ["10.0.0.0/8"], "11.0.0.1", { "x-forwarded-for": "203.0.113.9" }, "11.0.0.1"],
    ["a trusted proxy's word", ["10.0.0.0/8"], "10.1.2.3", { "x-forwarded-for": "203.0.113.9" }, "203.0.113.9"],
    [
      "also through a mapped address",
      ["10.0.0.1"],
      "::ffff:10.0.0.1",
      { "x-forwarded-for": "2001:db8::1" },
      "2001:db8::1",
    ],
    [
      "what a client forged stays out",
      ["10.0.0.1"],
      "10.0.0.1",
      { "x-forwarded-for": "6.6.6.6, 203.0.113.9" },
      "203.0.113.9",
    ],
    [
      "proxies in a row",
      ["10.0.0.0/8"],
      "10.0.0.1",
      { "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.0.0.2" },
      "203.0.113.9",
    ],
    ["only proxies: the farthest", ["10.0.0.0/8"], "10.0.0.1", { "x-forwarded-for": "10.0.0.3, 10.0.0.2" }, "10.0.0.3"],
    [
      "a proxy on the way that doesn't know its client",
      ["10.0.0.0/8"],
      "10.0.0.1",
      { "x-forwarded-for": "6.6.6.6, unknown, 10.0.0.2" },
      "unknown",
    ],
    ["X-Real-IP where nothing else", ["10.0.0.1"], "10.0.0.1", { "x-real-ip": "203.0.113.9" }, "203.0.113.9"],
    [
      "X-Forwarded-For counts first",
      ["10.0.0.1"],
      "10.0.0.1",
      { "x-real-ip": "6.6.6.6", "x-forwarded-for": "203.0.113.9" },
      "203.0.113.9",
    ],
    [
      "an address with a port",
      ["10.0.0.0/8"],
      "10.0.0.1",
      { "x-forwarded-for": "6.6.6.6, 203.0.113.9:4711, 10.0.0.2:80" },
      "203.0.113.9",
    ],
    ["a v6 address with a port", ["10.0.0.1"], "10.0.0.1", { "x-forwarded-for": "[2001:db8::1]:4711" }, "2001:db8::1"],
    [
      "X-Real-IP isn't believed beside an X-Forwarded-For that can't be read",
      ["10.0.0.1"],
      "10.0.0.1",
      { "x-real-ip": "6.6.6.6", "x-forwarded-for": "unknown" },
      "unknown",
    ],
    ["a proxy that names nobody isn't the client", ["10.0.0.1"], "10.0.0.1", {}, "unknown"],
    ["nor is one that names no address", ["10.0.0.1"], "10.0.0.1", { "x-real-ip": "nobody" }, "unknown"],
    ["two X-Real-IP lines, joined", ["10.0.0.1"], "10.0.0.1", { "x-real-ip": "6.6.6.6, 203.0.113.9" }, "unknown"],
    [
      "the last 4 KiB of a list, and nothing of the entry that is cut",
      ["10.0.0.0/8"],
      "10.0.0.1",
      { "x-forwarded-for": `6${"6.6.6.6,10.0.0.2".padEnd(4096, ",10.0.0.2")}` },
      "unknown",
    ],
    ["a proxy on a unix socket", ["unix"], undefined, { "x-forwarded-for": "203.0.113.9" }, "203.0.113.9"],
    ["a unix socket that isn't trusted", ["10.0.0.1"], undefined, { "x-forwarded-for": "203.0.113.9" }, undefined],
  ])("%s", (_, trusted, peer, headers, address) => {
    expect(createClientAddresses(trusted).of(request(peer, headers))).toBe(address);
  });

  it("believes forwarding headers from anyone without a list, and otherwise only from those on it", () => {
    expect(createClientAddresses([]).believes(request("198.51.100.1"))).toBe(true);
    expect(createClientAddresses(["10.0.0.0/8"]).believes(request("198.51.100.1"))).toBe(false);
    expect(createClientAddresses(["10.0.0.0/8"]).believes(request("::ffff:10.0.0.1"))).toBe(true);
    expect(createClientAddresses(["10.0.0.0/8"]).believes(request(undefined))).toBe(false);
    expect(createClientAddresses(["unix"]).believes(request(undefined))).toBe(true);
  });

  it("accepts addresses, networks and unix for proxies, and nothing else", () => {
    for (const right of ["10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::1", "unix", "0.0.0.0/0"])
      expect(isTrustedProxy(right), right).toBe(true);
    for (const wrong of [
      "",
      "proxy.example",
      "10.0.0.0/33",
      "10.0.0.0/",
      "::/129",
      "10.0.0.0/8/8",
      "10.0.0.0/-1",
      "10.0.0",
    ])
      expect(isTrustedProxy(wrong), wrong).toBe(false);
  });
});

describe("the client's address by a header that is believed from everybody", () => {
  it.each([
    ["the first entry", 0, "203.0.113.9, 10.0.0.1", "203.0.113.9"],
    ["the last one", -1, "203.0.113.9, 10.0.0.1", "10.0.0.1"],
    ["the last but one", -2, "203.0.113.9, 10.0.0.1", "203.0.113.9"],
    ["the first, if there are fewer", -3, "203.0.113.9, 10.0.0.1", "203.0.113.9"],
    ["none, if there are fewer", 2, "203.0.113.9, 10.0.0.1", "unknown"],
    ["none, if there is no header", 0, undefined, "unknown"],
    ["none, if it isn't an address", 0, "me", "unknown"],
    ["none, if it is too long", 0, `203.0.113.9${", 10.0.0.1".repeat(1000)}`, "unknown"],
  ])("is %s", (_, position, header, expected) => {
    const clients = createClientAddresses([], undefined, { header: "X-Real-Client", position });
    const headers = header === undefined ? undefined : { "x-real-client": header, "x-forwarded-for": "198.51.100.7" };
    const asked = request("192.0.2.1", headers);
    expect(clients.of(asked)).toBe(expected);
    expect(clients.shown(asked)).toContain(expected === "unknown" ? "192.0.2.1" : expected);
  });
});
