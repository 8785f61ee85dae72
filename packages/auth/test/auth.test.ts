import { describe, expect, it } from "vitest";
import { basicChallenge, bearerChallenge } from "../src/challenge.js";
import type { Access, AuthRequest } from "../src/access-controller.js";
import { AuthError } from "../src/errors.js";
import { createAccessController } from "../src/factory.js";
import { formatAccesses, parseScope, parseScopeEntry } from "../src/scope.js";

const request = (headers: AuthRequest["headers"] = {}): AuthRequest => ({
  method: "GET",
  headers,
  remoteAddress: "192.0.2.1",
  secure: false,
  peerCertificate: undefined,
});

const access = (name: string, action: string): Access => ({ type: "repository", name, action });

async function failure(action: () => unknown): Promise<AuthError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("challenges", () => {
  it.each([
    [basicChallenge("Registry Realm"), 'Basic realm="Registry Realm"'],
    [basicChallenge('a "b" \\ c'), 'Basic realm="a \\"b\\" \\\\ c"'],
    [basicChallenge("a\r\nX-Evil: 1"), 'Basic realm="a\\r\\nX-Evil: 1"'],
    [basicChallenge("ü\u0001😀"), 'Basic realm="\\u00fc\\x01\\U0001f600"'],
    [bearerChallenge({ realm: "https://a/t", service: "s" }), 'Bearer realm="https://a/t",service="s"'],
    [
      bearerChallenge({ realm: "r", service: "s", scope: "repository:a:pull", error: "invalid_token" }),
      'Bearer realm="r",service="s",scope="repository:a:pull",error="invalid_token"',
    ],
  ])("%s", (built, expected) => {
    expect(built).toBe(expected);
  });
});

describe("scopes", () => {
  it("parses classes, ports in names, and several actions", () => {
    expect(
      parseScope("repository(plugin):a/b:pull,push  registry:catalog:* nonsense repository:h:5000/x:pull"),
    ).toEqual([
      { type: "repository", class: "plugin", name: "a/b", actions: ["pull", "push"] },
      { type: "registry", name: "catalog", actions: ["*"] },
      { type: "repository", name: "h:5000/x", actions: ["pull"] },
    ]);
  });

  it.each(["", "repository", "repository:a", "repository::pull", "Repo(x):a:pull"])("refuses %j", (text) => {
    expect(parseScopeEntry(text)).toBeUndefined();
  });

  it("formats one entry for each access and keeps repeated ones", () => {
    expect(formatAccesses([access("a/b", "pull"), access("a/b", "push"), access("a/b", "pull")])).toBe(
      "repository:a/b:pull repository:a/b:push repository:a/b:pull",
    );
  });
});

describe("none", () => {
  it("grants everything immediately", async () => {
    const controller = await createAccessController("none", {});
    expect(controller.authorize(request(), [access("a", "push")])).toEqual({ unrestricted: true });
  });
});

describe("silly", () => {
  const options = { realm: "silly-realm", service: "silly-service" };

  it("accepts any Authorization header", async () => {
    const controller = await createAccessController("silly", options);
    expect(controller.authorize(request({ authorization: "x" }), [])).toEqual({ account: "silly", unrestricted: true });
  });

  it.each([{}, { authorization: "" }])("challenges %j", async (headers) => {
    const controller = await createAccessController("silly", options);
    const accesses = [access("a/b", "pull"), access("a/b", "push")];
    const { fault } = await failure(() => controller.authorize(request(headers), accesses));
    expect(fault).toMatchObject({
      code: "UNAUTHENTICATED",
      accesses,
      challenge: 'Bearer realm="silly-realm",service="silly-service",scope="repository:a/b:pull repository:a/b:push"',
    });
  });

  it("has no scope if nothing is accessed", async () => {
    const controller = await createAccessController("silly", options);
    const { fault } = await failure(() => controller.authorize(request(), []));
    expect(fault).toMatchObject({ challenge: 'Bearer realm="silly-realm",service="silly-service"' });
  });

  it.each([
    [{ realm: "r" }, "silly.service"],
    [{ realm: 1, service: "s" }, "silly.realm"],
    [undefined, "silly"],
  ])("refuses the options %j", async (bad, path) => {
    const { fault } = await failure(() => createAccessController("silly", bad));
    expect(fault).toMatchObject({ code: "INVALID_OPTIONS", path });
  });
});

it.each(["htpasswdd", "", "toString", "__proto__"])("refuses the unknown controller %j", async (type) => {
  const { fault } = await failure(() => createAccessController(type, {}));
  expect(fault).toMatchObject({ code: "INVALID_OPTIONS", path: type });
});
