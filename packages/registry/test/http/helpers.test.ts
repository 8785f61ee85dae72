import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/errors/api-error.js";
import { accepts, withoutParameters } from "../../src/http/headers/accept.js";
import { ifRangeHolds, noneMatchHits } from "../../src/http/headers/conditional.js";
import { nextLink, parseCount } from "../../src/http/headers/pagination.js";
import { encodePath, inspectPath, isCanonical, splitTarget } from "../../src/http/path.js";
import { parseChunkRange, parseRange } from "../../src/http/headers/range.js";
import { createUploadStates } from "../../src/http/client-state/upload-state.js";

describe("Accept", () => {
  it.each([
    [undefined, true],
    ["", true],
    ["a/b", true],
    ["A/B;q=0.1", true],
    ["x/y,a/b", true],
    [" x/y , a/* ", true],
    ["*/*;q=0.1", true],
    ["a/bc", false],
    ["xa/b", false],
    ["x/*", false],
    [",", false],
  ])("%s: %s", (accept, expected) => {
    expect(accepts(accept, "a/b")).toBe(expected);
  });

  it("leaves parameters out", () => {
    expect([" a/b ; charset=utf-8", "a/b", ""].map(withoutParameters)).toEqual(["a/b", "a/b", ""]);
  });
});

describe("Range", () => {
  const part = (start: number, end: number) => ({ kind: "part", start, end });
  const parts = (...ranges: readonly (readonly [number, number])[]) => ({
    kind: "parts",
    parts: ranges.map(([start, end]) => ({ start, end })),
  });
  it.each([
    [undefined, 10, { kind: "whole" }],
    ["items=0-1", 10, { kind: "whole" }],
    ["bytes=0-1,2-3", 10, parts([0, 1], [2, 3])],
    ["bytes=8-, 0-1 ,-2", 10, parts([8, 9], [0, 1], [8, 9])],
    ["bytes=0-1,10-12", 10, part(0, 1)],
    ["bytes=-0,1-2", 10, part(1, 2)],
    ["bytes=20-,30-", 10, { kind: "unsatisfiable" }],
    ["bytes=0-4,4-8", 10, parts([0, 4], [4, 8])],
    ["bytes=0-5,4-9", 10, { kind: "whole" }],
    ["bytes=0-0,5-1", 10, { kind: "malformed" }],
    [`bytes=${"0-0,".repeat(1024)}`, 2000, parts(...Array.from({ length: 1024 }, () => [0, 0] as const))],
    [`bytes=${"0-0,".repeat(1025)}`, 2000, { kind: "whole" }],
    ["bytes=0-", 10, part(0, 9)],
    ["bytes= 2-3 ", 10, part(2, 3)],
    ["bytes=9-9", 10, part(9, 9)],
    ["bytes=9-10", 10, part(9, 9)],
    ["bytes=-1", 10, part(9, 9)],
    ["bytes=-10", 10, part(0, 9)],
    ["bytes=-11", 10, part(0, 9)],
    ["bytes=10-", 10, { kind: "unsatisfiable" }],
    ["bytes=-0", 10, { kind: "unsatisfiable" }],
    ["bytes=3-2", 10, { kind: "malformed" }],
    ["bytes=", 10, { kind: "whole" }],
    ["bytes=,", 10, { kind: "whole" }],
    ["bytes=0-", 0, { kind: "unsatisfiable" }],
    ["bytes=-1", 0, { kind: "unsatisfiable" }],
    ["bytes=1-2-3", 10, { kind: "malformed" }],
    ["bytes=0x1-2", 10, { kind: "malformed" }],
    ["bytes=-", 10, { kind: "malformed" }],
    ["bytes=1-2,", 10, part(1, 2)],
  ])("%s of %i", (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });

  it.each([
    ["0-0", { start: 0, length: 1 }],
    ["5-9", { start: 5, length: 5 }],
    ["9-5", undefined],
    ["-5", undefined],
    ["5-", undefined],
    ["bytes 0-4/5", { start: 0, length: 5 }],
    ["bytes 5-9/10", { start: 5, length: 5 }],
    ["Bytes 5-9/*", { start: 5, length: 5 }],
    ["bytes 5-9", { start: 5, length: 5 }],
    ["5-9/10", { start: 5, length: 5 }],
    ["bytes 5-9/9", undefined],
    ["bytes */9", undefined],
    ["bytes=5-9", undefined],
    ["items 5-9/10", undefined],
    ["0-9999999999999999999999", undefined],
  ])("Content-Range %s", (header, expected) => {
    expect(parseChunkRange(header)).toEqual(expected);
  });
});

describe("conditions", () => {
  it("are about our entity tag", () => {
    expect(noneMatchHits('"x", "d"', "d", { unquoted: false })).toBe(true);
    expect(noneMatchHits("d", "d", { unquoted: false })).toBe(false);
    expect(noneMatchHits("d", "d", { unquoted: true })).toBe(true);
    expect([undefined, '"d"', "d", 'W/"d"'].map((header) => ifRangeHolds(header, "d"))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("paths", () => {
  it.each(["/v2/", "/v2/a/manifests/b", "/v2/a..b/x", "/v2/...", "/v2/.a/b."])("%s is fine", (path) => {
    expect(isCanonical(path)).toBe(true);
  });

  it.each([
    ["/v2/a%2Fb", { kind: "canonical", path: "/v2/a/b" }],
    ["/v2/%C3%BC", { kind: "canonical", path: "/v2/ü" }],
    ["/v2//a", { kind: "redirect", location: "/v2/a" }],
    ["/../..", { kind: "redirect", location: "/" }],
    ["/v2/a/..", { kind: "redirect", location: "/v2" }],
    ["/v2/a/../", { kind: "redirect", location: "/v2/" }],
    ["/v2/%2e%2e/%2E%2e/etc/", { kind: "redirect", location: "/etc/" }],
    ["/a//%3Fx%23y%0d%0aSet-Cookie:z", { kind: "redirect", location: "/a/%3Fx%23y%0D%0ASet-Cookie:z" }],
    ["/v2/%", { kind: "malformed" }],
    ["/v2/%ff", { kind: "malformed" }],
  ])("%s", (path, verdict) => {
    expect(isCanonical(path)).toBe(false);
    expect(inspectPath(path)).toEqual(verdict);
  });

  it.each([
    ["/v2/", { path: "/v2/", queryText: "" }],
    ["/v2/a/blobs/uploads/?mount=b&from=c?d", { path: "/v2/a/blobs/uploads/", queryText: "mount=b&from=c?d" }],
    ["//host/v2/?n=1", { path: "//host/v2/", queryText: "n=1" }],
    ["/v2/#a?b", { path: "/v2/", queryText: "" }],
    ["/?from=http://host/", { path: "/", queryText: "from=http://host/" }],
    ["http://host:5000/v2/%2F/..?n=1#f", { path: "/v2/%2F/..", queryText: "n=1" }],
    ["HTTPS://user:pw@[::1]?n=1", { path: "/", queryText: "n=1" }],
    ["http://host", { path: "/", queryText: "" }],
    ["http://ho st/", undefined],
    ["http://:80/", undefined],
    ["*", { path: "*", queryText: "" }],
    ["", { path: "", queryText: "" }],
  ])("and queries are told apart in %s", (target, parts) => {
    expect(splitTarget(target)).toEqual(parts);
  });

  it("are encoded for a header", () => {
    expect(encodePath("/a b/ü?#\r\n")).toBe("/a%20b/%C3%BC%3F%23%0D%0A");
  });
});

describe("pages", () => {
  it.each([
    [undefined, undefined],
    ["0", 0],
    ["+7", 7],
    ["0010", 10],
    ["9223372036854775807", 1e6],
  ])("of %s", (text, expected) => {
    expect(parseCount(text, 1e6, "number")).toBe(expected);
  });

  it.each(["-1", "x", "1e3", " 1", "", "9223372036854775808", "9".repeat(30)])("of %j are refused", (text) => {
    expect(() => parseCount(text, 1e6, "text")).toThrow(ApiError);
  });

  it("follow one another", () => {
    expect(nextLink("/v2/_catalog", { last: "a/b&c", n: 2, none: undefined })).toBe(
      '</v2/_catalog?last=a%2Fb%26c&n=2>; rel="next"',
    );
  });
});

describe("upload state", () => {
  const states = createUploadStates("testsecret");
  const startedAt = new Date("2026-11-23T02:30:11.5Z");

  it("comes back as it was", () => {
    const token = states.sign({ name: "a/b", uuid: "u", offset: 3, startedAt });
    expect(states.verify(token, "a/b", "u")).toEqual({ name: "a/b", uuid: "u", offset: 3, startedAt });
  });

  it("is Distribution's: MAC and JSON in base64 with padding", () => {
    // HMAC-SHA256 with the key `testsecret` over the JSON that follows, computed with OpenSSL.
    const json = '{"Name":"a/b","UUID":"u","Offset":3,"StartedAt":"2026-11-23T02:30:11.500Z"}';
    const token = states.sign({ name: "a/b", uuid: "u", offset: 3, startedAt });
    const bytes = Buffer.from(token, "base64url");
    expect(bytes.subarray(32).toString()).toBe(json);
    expect(bytes.subarray(0, 32).toString("hex")).toBe(
      "20a43b676562860f9f204edfaa9d4ff793319437d8486441de086234f094bbe9",
    );
    expect(token.length % 4).toBe(0);
    expect(token).toMatch(/^[A-Za-z0-9_-]+={0,2}$/);
  });

  it("of Distribution, with its finer time, is accepted", () => {
    const json = '{"Name":"a","UUID":"u","Offset":0,"StartedAt":"2026-11-23T02:30:11.123456789+01:00"}';
    const token = tokenOf(json);
    expect(states.verify(token, "a", "u")).toMatchObject({ name: "a", uuid: "u", offset: 0 });
  });
});

/** A token over `json`, made with OpenSSL's figures for the key `testsecret`. */
function tokenOf(json: string): string {
  return Buffer.concat([
    Buffer.from("afaafc156e9fbff48eba6522770af9f4ca9360a5804a9bd35f5284326df86812", "hex"),
    Buffer.from(json),
  ])
    .toString("base64")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
