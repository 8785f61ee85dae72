import { AuthError } from "@longshore/auth";
import { digestOf, parseDigest, StorageError, type StorageFault } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { ApiError, BodyTimeout, ClientGone } from "../../src/errors/api-error.js";
import { ERROR_CODES } from "../../src/errors/codes.js";
import { toWireJson } from "../../src/errors/json.js";
import { translate } from "../../src/errors/translate.js";
import { envelope } from "../../src/errors/wire-error.js";

const DIGEST = digestOf(Buffer.from("x"));

type Row = readonly [fault: StorageFault, status: number, code: keyof typeof ERROR_CODES, detail: unknown];

const ROWS: readonly Row[] = [
  [{ code: "PATH_NOT_FOUND", driver: "filesystem", path: "/a" }, 500, "UNKNOWN", "filesystem: Path not found: /a"],
  [{ code: "INVALID_PATH", driver: "filesystem", path: "/a" }, 500, "UNKNOWN", "filesystem: invalid path: /a"],
  [{ code: "INVALID_OFFSET", driver: "d", path: "/a", offset: 9 }, 500, "UNKNOWN", "d: invalid offset: 9 for path: /a"],
  [{ code: "DRIVER_ERROR", driver: "d", operation: "read", path: "/a" }, 500, "UNKNOWN", "d: read failed"],
  [
    { code: "DRIVER_ERROR", driver: "d", operation: "write", path: "/a", obstacle: "denied" },
    503,
    "UNAVAILABLE",
    "d: write failed: the storage denies access; the registry's operator has to grant it to the registry's user or keys",
  ],
  [
    { code: "DRIVER_ERROR", driver: "d", operation: "write", path: "/a", obstacle: "read-only" },
    503,
    "UNAVAILABLE",
    "d: write failed: the storage is read-only; the registry's operator has to make it writable",
  ],
  [
    { code: "DRIVER_ERROR", driver: "d", operation: "write", path: "/a", obstacle: "quota" },
    507,
    "UNAVAILABLE",
    "d: write failed: the storage's quota is used up; the registry's operator has to raise it or make room",
  ],
  [
    { code: "DRIVER_ERROR", driver: "d", operation: "write", path: "/a", obstacle: "full" },
    507,
    "UNAVAILABLE",
    "d: write failed: the storage is full; the registry's operator has to make room, of bytes or of inodes",
  ],
  [{ code: "UNSUPPORTED", operation: "x" }, 405, "UNSUPPORTED", undefined],
  [{ code: "DIGEST_INVALID", text: "x", problem: "length" }, 400, "DIGEST_INVALID", "invalid checksum digest length"],
  [{ code: "NAME_UNKNOWN", name: "a" }, 404, "NAME_UNKNOWN", { name: "a" }],
  [{ code: "TAG_UNKNOWN", name: "a", tag: "t" }, 404, "MANIFEST_UNKNOWN", "unknown tag=t"],
  [
    { code: "MANIFEST_UNKNOWN", name: "a", digest: DIGEST },
    404,
    "MANIFEST_UNKNOWN",
    `unknown manifest name=a revision=${DIGEST}`,
  ],
  [{ code: "BLOB_UNKNOWN", digest: DIGEST }, 404, "BLOB_UNKNOWN", DIGEST],
  [{ code: "UPLOAD_UNKNOWN", uuid: "u" }, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown"],
  [{ code: "MANIFEST_INVALID", reason: "why" }, 400, "MANIFEST_INVALID", "why"],
];

describe("faults of the storage", () => {
  it.each(ROWS)("%j", (fault, status, code, detail) => {
    const failure = translate(new StorageError(fault));
    expect([failure.status, failure.errors]).toEqual([status, [{ code, message: ERROR_CODES[code].message, detail }]]);
  });

  it.each([
    [{ code: "UPLOAD_OFFSET_INVALID", uuid: "u", offset: 1, size: 2 }, 416, "RANGE_INVALID"],
    [{ code: "UPLOAD_TAKEN_OVER", uuid: "u" }, 416, "RANGE_INVALID"],
    [{ code: "UPLOAD_SIZE_INVALID", uuid: "u", expected: 1, actual: 2 }, 400, "SIZE_INVALID"],
    [{ code: "TOO_MANY_UPLOADS", limit: 3 }, 429, "TOOMANYREQUESTS"],
    [{ code: "NAME_INVALID", name: "a", reason: "r" }, 400, "NAME_INVALID"],
    [{ code: "TAG_INVALID", tag: "-" }, 400, "TAG_INVALID"],
    [{ code: "DIGEST_MISMATCH", expected: DIGEST, actual: DIGEST }, 400, "DIGEST_INVALID"],
  ] as const)("%j", (fault, status, code) => {
    const failure = translate(new StorageError(fault));
    expect([failure.status, failure.errors[0].code]).toEqual([status, code]);
  });

  it("name each thing that is missing", () => {
    const other = parseDigest(`sha512:${"b".repeat(128)}`);
    const failure = translate(new StorageError({ code: "MANIFEST_REFERENCES_UNKNOWN", digests: [DIGEST, other] }));
    expect(failure.errors.map(({ code, detail }) => [code, detail])).toEqual([
      ["MANIFEST_BLOB_UNKNOWN", DIGEST],
      ["MANIFEST_BLOB_UNKNOWN", other],
    ]);
  });

  it("say why a class is denied in place of the code's message", () => {
    const failure = translate(
      new StorageError({ code: "MANIFEST_CLASS_DENIED", reason: "registry does not allow image manifest" }),
    );
    expect([failure.status, failure.errors[0]]).toEqual([
      403,
      { code: "DENIED", message: "registry does not allow image manifest" },
    ]);
  });

  it("tell when to come back", () => {
    expect(translate(new StorageError({ code: "TOO_MANY_UPLOADS", limit: 3 })).headers).toEqual({
      "Retry-After": "60",
    });
  });
});

describe("faults of access control", () => {
  it("carry their challenge, and the requested access in Go's spelling", () => {
    const accesses = [{ type: "repository", class: "plugin", name: "a", action: "pull" }];
    const failure = translate(
      new AuthError({ code: "UNAUTHENTICATED", challenge: "Basic x", accesses, reason: "secret reason" }),
    );
    expect([failure.status, failure.headers]).toEqual([401, { "WWW-Authenticate": "Basic x" }]);
    expect(failure.errors[0].detail).toEqual([{ Type: "repository", Class: "plugin", Name: "a", Action: "pull" }]);
    expect(JSON.stringify(failure)).not.toContain("secret reason");
  });

  it.each([
    [{ code: "DENIED", reason: "internal" }, 403, "DENIED"],
    [{ code: "UNAVAILABLE", reason: "internal" }, 503, "UNAVAILABLE"],
  ] as const)("%j", (fault, status, code) => {
    const failure = translate(new AuthError(fault));
    expect([failure.status, failure.errors[0].code]).toEqual([status, code]);
    expect(JSON.stringify(failure)).not.toContain("internal");
  });
});

describe("everything else", () => {
  it("reveals nothing about unknown errors", () => {
    for (const error of [new Error("password=1"), "password=1", undefined, { message: "password=1" }]) {
      expect(translate(error)).toEqual({
        status: 500,
        errors: [{ code: "UNKNOWN", message: "unknown error", detail: undefined }],
        headers: {},
        close: false,
      });
    }
  });

  it("has its status, and closes connections that can't continue", () => {
    expect(translate(new ClientGone())).toMatchObject({ status: 499, close: true });
    expect(translate(new BodyTimeout(5))).toMatchObject({ status: 408, close: true });
    expect(translate(new ApiError("MANIFEST_INVALID", { status: 413, detail: 1, headers: { A: "b" } }))).toMatchObject({
      status: 413,
      headers: { A: "b" },
      errors: [{ code: "MANIFEST_INVALID", message: "manifest invalid", detail: 1 }],
    });
  });
});

describe("the envelope", () => {
  it("is Go's JSON: escaped for HTML, with a newline", () => {
    expect(toWireJson({ a: "<b>&\u2028\u2029" })).toBe('{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029"}\n');
  });

  it("leaves unset details out and shows null", () => {
    const errors = [
      { code: "A", message: "a" },
      { code: "B", message: "b", detail: null },
    ];
    expect(envelope(errors)).toBe('{"errors":[{"code":"A","message":"a"},{"code":"B","message":"b","detail":null}]}\n');
  });

  it("doesn't echo long input", () => {
    expect(envelope([{ code: "A", message: "a", detail: "x".repeat(1e6) }]).length).toBeLessThan(5000);
  });
});
