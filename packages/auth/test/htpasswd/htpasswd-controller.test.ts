import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testFolder } from "@longshore/testkit/test-folder";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Access, AccessController, PeerCertificate } from "../../src/access-controller.js";
import { createAccessController, parseAccess, type AccessSections } from "../../src/factory.js";
import type { ControllerPorts } from "../../src/ports.js";
import { standInTokens } from "../own-tokens.js";
import { failure, recordingLog, request, SECRET } from "./support.js";

const USERS = `jane:${SECRET.y}\nadmin:${SECRET.a}\n`;
const access = (name: string, action: string): Access => ({ type: "repository", name, action });
const PULL = [access("a/b", "pull")];
const PUSH = [access("a/b", "pull"), access("a/b", "push")];

async function opened(ports: Partial<ControllerPorts> = {}, text = USERS, beside: AccessSections = {}) {
  const path = join(await testFolder(), "htpasswd");
  await writeFile(path, text);
  const log = recordingLog();
  const access = parseAccess({ htpasswd: { realm: "basic-realm", path }, ...beside });
  const controller = await access.open({ log, clock: Date.now, secret: "s3cret", ownTokens: standInTokens, ...ports });
  onTestFinished(() => controller.close());
  return { controller, path, log };
}

const refused = async (controller: AccessController, ...question: Parameters<AccessController["authorize"]>) =>
  (await failure(() => controller.authorize(...question))).fault;

describe("htpasswd without rules", () => {
  it("allows every valid user everything", async () => {
    const { controller } = await opened();
    expect(await controller.authorize(request("jane:secret"), PUSH)).toEqual({ account: "jane", unrestricted: true });
    expect(await controller.authorize(request("jane:secret"), [])).toEqual({ account: "jane", unrestricted: true });
    expect(controller.tokens).toBeUndefined();
  });

  it("challenges for Basic credentials as Distribution does", async () => {
    const { controller } = await opened();
    const challenge = 'Basic realm="basic-realm"';
    expect(await refused(controller, request(), PULL)).toMatchObject({
      code: "UNAUTHENTICATED",
      challenge,
      accesses: PULL,
      refusal: "missing",
    });
    expect(await refused(controller, request("jane:wrong"), PULL)).toMatchObject({
      challenge,
      refusal: "rejected",
      account: "jane",
    });
    const bearer = { ...request(), headers: { authorization: "Bearer x" } };
    expect(await refused(controller, bearer, [])).toMatchObject({ challenge, refusal: "missing" });
  });

  it("never reveals the password", async () => {
    const { controller, log } = await opened();
    const fault = await refused(controller, request("jane:hunter2"), PULL);
    expect(JSON.stringify([fault, log.lines])).not.toContain("hunter2");
  });

  it("reads its file again on reload", async () => {
    const { controller, path } = await opened();
    await writeFile(path, `new:${SECRET.b}\n`);
    await controller.reload?.();
    expect(await controller.authorize(request("new:secret"), [])).toMatchObject({ account: "new" });
    expect(await refused(controller, request("jane:secret"), [])).toMatchObject({ refusal: "rejected" });
  });
});

describe("htpasswd with rules", () => {
  const rules = [
    { match: { account: "admin" }, actions: ["*"] },
    { match: { account: "/.+/", name: "${account}/*" }, actions: ["*"] },
    { match: { account: "/.+/", ip: "10.0.0.0/8", service: "basic-realm" }, actions: ["pull"] },
  ];

  it("grants what they allow, and reports what is missing", async () => {
    const { controller } = await opened({ rules });
    const own = [access("jane/x", "pull"), access("jane/x", "push")];
    const grant = await controller.authorize(request("jane:secret"), own);
    expect(grant).toMatchObject({ account: "jane", unrestricted: false });
    expect(grant.allows?.(access("jane/y", "delete"))).toBe(true);
    expect(grant.allows?.(access("john/y", "pull"))).toBe(false);
    expect(await controller.authorize(request("jane:secret"), [])).toMatchObject({ account: "jane" });
    expect(await refused(controller, request("jane:secret"), PUSH)).toMatchObject({
      code: "DENIED",
      account: "jane",
      detail: "the rules don't grant jane: pull of repository a/b, push of repository a/b",
    });
    expect(await controller.authorize(request("jane:secret", "10.1.1.1"), PULL)).toMatchObject({ account: "jane" });
    expect(await refused(controller, request("jane:secret", "10.1.1.1"), PUSH)).toMatchObject({ code: "DENIED" });
    expect(await refused(controller, request(), PULL)).toMatchObject({ challenge: 'Basic realm="basic-realm"' });
  });

  it("lets anonymous users pull what is public, and challenges others for a token", async () => {
    const open = [...rules, { match: { account: "", name: "a/*" }, actions: ["pull"] }];
    const { controller } = await opened({ rules: open });
    const bearer = /^Bearer realm="https:\/\/reg\/auth\/token",service="basic-realm"/;
    expect(await controller.authorize(request(), PULL)).toMatchObject({ account: "", unrestricted: false });
    // Docker logs in only if `/v2/` challenges it.
    for (const accesses of [[], PUSH, [access("private", "pull")]])
      expect(await refused(controller, request(), accesses)).toMatchObject({
        code: "UNAUTHENTICATED",
        challenge: expect.stringMatching(bearer) as unknown,
        refusal: "missing",
      });
    expect(await controller.authorize(request("admin:secret"), PUSH)).toMatchObject({ account: "admin" });
    expect(await refused(controller, request("jane:wrong"), PULL)).toMatchObject({ refusal: "rejected" });
    const query = new URLSearchParams({ service: "basic-realm", scope: "repository:a/b:pull,push" });
    const answer = await controller.tokens?.issue({ ...request(), query, form: undefined });
    expect(answer?.granted).toEqual(PULL);
    const token = { ...request(), headers: { authorization: `Bearer ${String(answer?.document["token"])}` } };
    expect(await controller.authorize(token, PULL)).toMatchObject({ unrestricted: false });
    expect(await refused(controller, token, PUSH)).toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

it("refuses rules for anonymous clients where no tokens can be issued", async () => {
  const rules = [{ match: { account: "", name: "a/*" }, actions: ["pull"] }];
  const refusedOptions = await failure(() => opened({ rules, ownTokens: undefined }));
  expect(refusedOptions.fault).toMatchObject({ code: "INVALID_OPTIONS", path: "access" });
});

describe("htpasswd beside client certificates", () => {
  const certificate: PeerCertificate = {
    verified: true,
    subject: { CN: "builder" },
    issuer: {},
    fingerprint256: "",
    raw: new Uint8Array(),
  };

  it("accepts either, and uses the password if both are presented", async () => {
    const { controller } = await opened({}, USERS, { mtls: {} });
    const shown = { peerCertificate: certificate };
    expect(await controller.authorize(request(undefined, "192.0.2.1", shown), PULL)).toMatchObject({
      account: "builder",
    });
    expect(await controller.authorize(request("jane:secret", "192.0.2.1", shown), PULL)).toMatchObject({
      account: "jane",
    });
    expect(await refused(controller, request("jane:wrong", "192.0.2.1", shown), PULL)).toMatchObject({
      refusal: "rejected",
    });
    expect(await controller.authorize(request("jane:secret"), PULL)).toMatchObject({ account: "jane" });
  });
});

describe("options of htpasswd", () => {
  const ports = { log: recordingLog(), clock: Date.now, secret: "s" };

  it.each([
    [{ path: "x" }, "htpasswd.realm"],
    [{ realm: "r" }, "htpasswd.path"],
    [{ realm: "r", path: "x", file: "y" }, "htpasswd"],
    [{ realm: "r", path: "x", workers: 0 }, "htpasswd.workers"],
    [{ realm: "r", path: "x", throttle: { attempts: 0 } }, "htpasswd.throttle.attempts"],
    [undefined, "htpasswd"],
  ])("%j are refused", async (options, path) => {
    expect((await failure(() => createAccessController("htpasswd", options, ports))).fault).toMatchObject({
      code: "INVALID_OPTIONS",
      path,
    });
  });

  it("are refused with bad rules, before a file is created", async () => {
    const path = join(await testFolder(), "htpasswd");
    const create = () => createAccessController("htpasswd", { realm: "r", path }, { ...ports, rules: [{ match: {} }] });
    expect((await failure(create)).fault).toMatchObject({ code: "INVALID_OPTIONS", path: "access[0]" });
    await expect(readFile(path)).rejects.toThrow(/ENOENT/);
  });

  it("are refused if the path can't be a file", async () => {
    const folder = await testFolder();
    await chmod(folder, 0o700);
    const fault = (await failure(() => createAccessController("htpasswd", { realm: "r", path: folder }, ports))).fault;
    expect(fault).toMatchObject({
      code: "INVALID_OPTIONS",
      path: "htpasswd.path",
      reason: expect.stringMatching(/it is a directory; container engines make one/) as unknown,
    });
  });
});
