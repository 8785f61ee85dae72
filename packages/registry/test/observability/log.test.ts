import { describe, expect, it } from "vitest";
import { errorFields } from "../../src/observability/log.js";
import { createLog, type LogOptions } from "../../src/observability/create-log.js";
import { redactTarget, redactText } from "@longshore/base/redact";

function logLines(options: Partial<LogOptions> = {}): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line), flush: () => undefined, close: () => undefined };
  const log = createLog(
    { level: "info", format: "text", fields: { version: "1" }, reportCaller: false, ...options },
    sink,
  );
  return { lines, log };
}

describe("the application log", () => {
  it("spells levels as Distribution does and leaves out lines below the level", () => {
    const { lines, log } = logLines({ level: "warn" });
    log.info("no");
    log.warn("careful", { key: "value" });
    log.child({ "http.request.id": "42" }).error("bad");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^time="\d{4}-\d\d-\d\dT[\d:.]+Z" level=warning msg=careful key=value version=1\n$/);
    expect(lines[1]).toMatch(/level=error msg=bad http\.request\.id=42 version=1\n$/);
  });

  it("shows values as JSON does, and never fails because of one", () => {
    for (const format of ["text", "json"] as const) {
      const { lines, log } = logLines({ format });
      const circular: Record<string, unknown> = {};
      circular["self"] = circular;
      log.info("values", {
        at: new Date(0),
        url: new URL("http://a:b@c/"),
        big: 10n,
        none: undefined,
        f: () => 1,
        circular,
      });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/1970-01-01T00:00:00\.000Z.*http:\/\/redacted@c\//);
      expect(lines[0]).toMatch(/big"?[=:]"?10\b/);
      expect(lines[0]).not.toMatch(/none|\bf[=:]/);
    }
  });

  it("says who logged when asked", () => {
    const { lines, log } = logLines({ reportCaller: true, format: "json" });
    log.info("here");
    expect(lines[0]).toMatch(/"file":"[^"]*log\.test\.ts:\d+",.*"msg":"here"/);
  });

  it("describes an error with its causes and without its stack", () => {
    const { lines, log } = logLines();
    log.error("failed", errorFields(new Error("commit failed", { cause: new Error("ENOSPC: no space left") })));
    expect(lines[0]).toContain('msg=failed error="commit failed: ENOSPC: no space left"');
    expect(lines[0]).not.toContain(" at ");
  });
});

describe("secrets", () => {
  const secrets = [
    "hunter2-password",
    "c2VjcmV0LWhtYWM9",
    "eyJhbGciOiJSUzI1NiJ9.e30.sig",
    "dXNlcjpwYXNz",
    "upstream-pass",
    "the-http-secret",
    "AKIASECRET",
  ];

  it("never reach a log, wherever they stand", () => {
    const { lines, log } = logLines({ secrets: ["the-http-secret"], format: "json", level: "debug" });
    log.info("fetched https://user:upstream-pass@hub.example/v2/?token=eyJhbGciOiJSUzI1NiJ9.e30.sig");
    log.info("configured with the-http-secret", { note: "secret: the-http-secret" });
    log.warn("headers", {
      headers: { Authorization: "Basic dXNlcjpwYXNz", cookie: ["hunter2-password"], accept: "*/*" },
    });
    log.error("refused Bearer eyJhbGciOiJSUzI1NiJ9.e30.sig", { password: "hunter2-password", "http.secret": 12 });
    log.debug("redirect", { url: "https://s3/x?X-Amz-Signature=c2VjcmV0LWhtYWM9&X-Amz-Credential=AKIASECRET" });
    log.error("oops", errorFields(new Error("PUT /u?_state=c2VjcmV0LWhtYWM9&digest=d failed")));
    expect(lines).toHaveLength(6);
    for (const secret of secrets) expect(lines.join("")).not.toContain(secret);
    expect(lines[2]).toContain('"accept":"*/*"');
  });

  it("are redacted within words only if they are too long to be part of ordinary ones", () => {
    expect(redactText("listening, service=registry secret=s s (s)", ["s"])).toBe(
      "listening, service=registry secret=redacted redacted (redacted)",
    );
    expect(redactText("1.5 of a.5, 15", [".5"])).toBe("1.5 of a.5, 15");
    expect(redactText("(a+b)", ["a+b"])).toBe("(redacted)");
    expect(redactText("xlong-secretx", ["long-secret"])).toBe("xredactedx");
    expect(redactText("no secret", [""])).toBe("no secret");
  });

  it("leave the rest of a line unchanged", () => {
    expect(redactText("http://a/b?n=1&last=x Basic things")).toBe("http://a/b?n=1&last=x Basic redacted");
    expect(redactText("https://hub.example/v2/a@sha256:0")).toBe("https://hub.example/v2/a@sha256:0");
    expect(redactTarget("/v2/a/tags/list?n=10&last=token")).toBe("/v2/a/tags/list?n=10&last=token");
    expect(redactTarget("http://user:pw@host/v2/")).toBe("http://redacted@host/v2/");
    expect(redactTarget("/v2/?access_token=abc&_state=def")).toBe("/v2/?access_token=redacted&_state=redacted");
  });
});
