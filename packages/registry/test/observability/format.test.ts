import { describe, expect, it } from "vitest";
import { createAccessLines } from "../../src/observability/access-line.js";
import { createCompletionLines, type CompletionEntry } from "../../src/observability/completion-line.js";
import { formatDuration } from "../../src/observability/duration.js";
import { formatEntry } from "../../src/observability/format.js";
import { quoteValue } from "../../src/observability/quote.js";

const TIME = "2026-11-23T02:30:09.890Z";

describe("the text format", () => {
  it("is in logrus's form: sorted fields, quotes only where needed", () => {
    const line = formatEntry("text", {
      time: TIME,
      level: "warning",
      message: "it works",
      fields: { "go-like": "a/b.c_d@e^f+g", service: "registry", b: "two words", a: 1, error: "broken pipe: x" },
    });
    expect(line).toBe(
      `time="${TIME}" level=warning msg="it works" error="broken pipe: x" a=1 b="two words" go-like=a/b.c_d@e^f+g service=registry\n`,
    );
  });

  it("escapes characters that could forge a line", () => {
    expect(quoteValue('a"b\\c\nlevel=error\u0000é\u202e')).toBe(String.raw`"a\"b\\c\nlevel=error\x00é\u202e"`);
    expect(quoteValue("plain")).toBe("plain");
    expect(quoteValue("")).toBe("");
    expect(quoteValue("a:b")).toBe('"a:b"');
  });
});

describe("the json formats", () => {
  it("write one object with sorted keys", () => {
    const caller = { function: "main", file: "a.ts:1" };
    const entry = { time: TIME, level: "info", message: "<&>", caller, fields: { z: 1, a: "x", msg: "own" } };
    expect(formatEntry("json", entry)).toBe(
      `{"a":"x","fields.msg":"own","file":"a.ts:1","func":"main","level":"info","msg":"<&>","time":"${TIME}","z":1}\n`,
    );
    expect(formatEntry("logstash", entry)).toContain('"function":"main"');
  });
});

describe("durations", () => {
  it.each([
    [0, "0s"],
    [0.0005, "500ns"],
    [0.821876, "821.876µs"],
    [4.928591, "4.928591ms"],
    [1500, "1.5s"],
    [42 * 60_000, "42m0s"],
    [86_400_000, "24h0m0s"],
    [3_661_500, "1h1m1.5s"],
    [-1500, "-1.5s"],
  ])("%d ms are %s", (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));
});

describe("access lines", () => {
  const entry = {
    client: "127.0.0.1",
    method: "GET",
    target: "/v2/",
    httpVersion: "1.1",
    status: 200,
    size: 2,
    referer: undefined,
    userAgent: "curl/7.88.1",
  };
  const now = Date.UTC(2026, 10, 23, 2, 30, 11);

  it("are Apache's combined form", () => {
    const write = createAccessLines();
    expect(write(entry, now)).toBe(
      '127.0.0.1 - - [23/Nov/2026:02:30:11 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "curl/7.88.1"\n',
    );
    expect(write({ ...entry, httpVersion: "2.0", referer: 'a"b' }, now + 1000)).toBe(
      String.raw`127.0.0.1 - - [23/Nov/2026:02:30:12 +0000] "GET /v2/ HTTP/2.0" 200 2 "a\"b" "curl/7.88.1"` + "\n",
    );
  });

  it("hide the upload state", () => {
    const line = createAccessLines()({ ...entry, target: "/v2/a/blobs/uploads/1?digest=d&_state=c2VjcmV0&x=1" }, now);
    expect(line).toContain('"GET /v2/a/blobs/uploads/1?digest=d&_state=redacted&x=1 HTTP/1.1"');
  });
});

describe("completion lines", () => {
  const entry: CompletionEntry = {
    record: { id: "75a6ed8d", handler: "base", name: "a/b" },
    method: "GET",
    host: "127.0.0.1:5999",
    target: "/v2/",
    referer: undefined,
    userAgent: "curl/7.88.1",
    remoteAddress: "127.0.0.1:53190",
    requestType: undefined,
    responseType: "application/json",
    status: 200,
    written: 2,
    duration: 0.821876,
  };
  const fields = { "instance.id": "i", "node.version": "v20", version: "1", service: "registry" };

  it("have Distribution's fields in its order", () => {
    expect(createCompletionLines("text", fields)(entry, TIME)).toBe(
      `time="${TIME}" level=info msg="response completed" http.request.host="127.0.0.1:5999" http.request.id=75a6ed8d ` +
        `http.request.method=GET http.request.remoteaddr="127.0.0.1:53190" http.request.uri=/v2/ ` +
        `http.request.useragent=curl/7.88.1 http.response.contenttype=application/json http.response.duration="821.876µs" ` +
        `http.response.status=200 http.response.written=2 instance.id=i node.version=v20 service=registry vars.name=a/b version=1\n`,
    );
  });

  it("tell an error as words, as text and as json", () => {
    const error = { code: "MANIFEST_UNKNOWN", message: "manifest unknown", detail: "unknown tag=x" };
    const failed = { ...entry, status: 404, record: { ...entry.record, error } };
    const text = createCompletionLines("text", fields)(failed, TIME);
    expect(text).toContain(
      'level=info msg="response completed with error" err.code="manifest unknown" err.detail="unknown tag=x" err.message="manifest unknown"',
    );
    const json: unknown = JSON.parse(createCompletionLines("json", fields)(failed, TIME));
    expect(json).toMatchObject({
      level: "info",
      msg: "response completed with error",
      "err.code": "manifest unknown",
      "http.response.status": 404,
      service: "registry",
      time: TIME,
    });
  });

  it.each([
    [404, "info"],
    [429, "info"],
    [499, "info"],
    [500, "error"],
    [503, "error"],
  ])("are for a person to look at where the registry failed, not its client: %d is %s", (status, level) => {
    const error = { code: "UNKNOWN", message: "unknown error" };
    const line = createCompletionLines("text", fields)({ ...entry, status, record: { ...entry.record, error } }, TIME);
    expect(line).toContain(` level=${level} `);
  });
});
