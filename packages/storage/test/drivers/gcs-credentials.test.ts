import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import { generateKeyPairSync } from "node:crypto";
import { createGcsDriver } from "../../src/drivers/gcs/driver.js";
import { gcsDriverOn, parseGcsOptions } from "./gcs-subject.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the GCS driver's credentials", () => {
  let server: GcsServer;
  const before = { ...process.env };
  beforeAll(async () => {
    server = await startGcs();
    // Where Google's library finds the machine's service account.
    process.env["GCE_METADATA_HOST"] = new URL(server.serviceUrl).host;
    process.env["METADATA_SERVER_DETECTION"] = "assume-present";
  });
  afterAll(async () => {
    process.env = before;
    await server.stop();
  });
  afterEach(() => {
    server.maySign = true;
    server.faults.clear();
    server.clear();
  });

  it("get one token for many calls, and another one when that is refused", async () => {
    await using driver = closing(await gcsDriverOn(server, server.newBucket()));
    await Promise.all([driver.write("/a", text("x")), driver.write("/b", text("x"))]);
    expect(server.counts()).toEqual({ Token: 1, Insert: 2 });
    server.identity.revoke();
    expect(Buffer.from(await driver.read("/a")).toString()).toBe("x");
    expect(server.counts()).toMatchObject({ Token: 2, Get: 2 });
  });

  it("are reported where they are refused, without the key", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const credentials = { ...server.keyFile, private_key: key };
    await using driver = closing(await gcsDriverOn(server, server.newBucket(), { credentials }));
    const error: unknown = await driver.read("/a").catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "DRIVER_ERROR", fault: { obstacle: "denied" } });
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    expect(cause).toMatch(/GetToken: invalid_grant .*Signature.*; check that the key still exists/);
    expect(cause).not.toContain(key.slice(40, 80));
  });

  it("that can't be had at the moment are asked for again", async () => {
    await using driver = closing(await gcsDriverOn(server, server.newBucket(), {}, { random: () => 0 }));
    for (const fault of [{ kind: "error", status: 503, code: "unavailable" }, { kind: "reset" }] as const) {
      server.faults.add({ fault, times: 1, when: ({ operation }) => operation === "Token" });
    }
    await driver.write("/a", text("x"));
    expect(server.counts()).toEqual({ Token: 3, Insert: 1 });
  });

  it("of the machine work without a key: addresses are signed by Google's service, or nobody is redirected", async () => {
    let now = 0;
    const options = parseGcsOptions({ bucket: server.newBucket(), serviceurl: server.serviceUrl });
    const made = await createGcsDriver(options, { key: undefined, iam: server.serviceUrl, now: () => now });
    await using driver = closing(made);
    await driver.write("/a", text("hello"));
    const url = (await driver.redirectUrl("/a", { method: "GET" })) ?? "";
    expect(await (await fetch(url)).text()).toBe("hello");
    server.maySign = false;
    expect(await driver.redirectUrl("/a", { method: "GET" })).toBeUndefined();
    server.maySign = true;
    now = 60_000;
    // It isn't asked for each request.
    expect(await driver.redirectUrl("/a", { method: "GET" })).toBeUndefined();
    now = 301_000;
    expect(await driver.redirectUrl("/a", { method: "GET" })).toContain("X-Goog-Signature=");
    expect(server.counts()).toMatchObject({ SignBlob: 3 });
  });
});

function closing<T extends { close(): Promise<void> }>(driver: T): T & AsyncDisposable {
  return Object.assign(driver, { [Symbol.asyncDispose]: () => driver.close() });
}
