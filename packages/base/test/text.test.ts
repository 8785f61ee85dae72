import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBasic, parseBasic } from "../src/basic.js";
import { parseBoolean } from "../src/boolean.js";
import { errnoOf, hasErrno } from "../src/errno.js";
import { escapeGo, quoteHeader } from "../src/quote.js";
import { escapeRegExp } from "../src/regexp.js";

describe("parseBoolean", () => {
  it("reads what Go's strconv.ParseBool reads, and nothing else", () => {
    expect(["1", "t", "T", "TRUE", "true", "True"].map(parseBoolean)).toEqual(Array(6).fill(true));
    expect(["0", "f", "F", "FALSE", "false", "False"].map(parseBoolean)).toEqual(Array(6).fill(false));
    expect(["", "yes", "on", "tRUE", " true"].map(parseBoolean)).toEqual(Array(5).fill(undefined));
  });
});

describe("errno", () => {
  it("is found on errors only", () => {
    const missing = Object.assign(new Error("no such file"), { code: "ENOENT" });
    expect([errnoOf(missing), errnoOf(new Error("other")), errnoOf({ code: "ENOENT" }), errnoOf(null)]).toEqual([
      "ENOENT",
      undefined,
      undefined,
      undefined,
    ]);
    expect(hasErrno(missing, "EACCES", "ENOENT")).toBe(true);
    expect(hasErrno(missing, "EACCES")).toBe(false);
  });
});

describe("Basic", () => {
  it("reads back every user without a colon and every password", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (user, password) => {
        fc.pre(!user.includes(":"));
        expect(parseBasic(formatBasic({ user, password }))).toEqual({ user, password });
      }),
    );
  });

  it.each([undefined, "", "Bearer abc", "Basics abc"])("finds none in %j", (header) => {
    expect(parseBasic(header)).toBeUndefined();
  });

  it.each(["Basic", "Basic ", "Basic abc", "Basic !!!!", "Basic YQ==", "Basic /////w=="])("can't read %j", (header) => {
    expect(parseBasic(header)).toBe("malformed");
  });
});

describe("quoting", () => {
  it.each([
    ["plain µs", "plain µs"],
    ['a"b\\c', 'a\\"b\\\\c'],
    ["line\nbell\u0007", "line\\nbell\\a"],
    ["\u0000\u2028\u{1f600}\u{e0001}", "\\x00\\u2028\u{1f600}\\U000e0001"],
  ])("escapes %j as Go's %%q", (text, escaped) => {
    expect(escapeGo(text)).toBe(escaped);
  });

  it("writes header values in ASCII only, as Go's %+q, with BEL in hexadecimal", () => {
    expect(quoteHeader('a"é\u{1f600}\r\n')).toBe('"a\\"\\u00e9\\U0001f600\\r\\n"');
    expect(quoteHeader("\u0007\u0000\b\f\v\t\u007f\\")).toBe('"\\x07\\x00\\b\\f\\v\\t\\x7f\\\\"');
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => /^"[ -~]*"$/.test(quoteHeader(text))));
  });
});

describe("escapeRegExp", () => {
  it("makes every string match itself", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(new RegExp(`^${escapeRegExp(text)}$`, "u").test(text)).toBe(true);
      }),
    );
  });
});
