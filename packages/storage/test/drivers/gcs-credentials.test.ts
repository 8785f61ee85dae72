import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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
    delete process.env["GOOGLE_APPLICATION_CREDENTIALS"];
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

  const withoutKey = async (parameters: Readonly<Record<string, unknown>> = {}) => {
    const options = parseGcsOptions({ bucket: server.newBucket(), serviceurl: server.serviceUrl, ...parameters });
    return closing(await createGcsDriver(options, { key: undefined, iam: server.serviceUrl, random: () => 0 }));
  };

  /** Lets Google's library find a workload that another provider vouches for with `subject`. */
  const federate = async (folder: string, subject: string): Promise<void> => {
    const file = join(folder, "subject");
    await writeFile(file, subject);
    const content = {
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: server.tokenUri,
      credential_source: { file },
    };
    await writeFile(join(folder, "credentials.json"), JSON.stringify(content));
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = join(folder, "credentials.json");
  };

  it("of the environment: a request for a token that is never answered holds up one attempt only", async () => {
    await using folder = await makeTemporaryFolder("gcs");
    await federate(folder.path, server.identity.subjectToken);
    await using driver = await withoutKey({ requesttimeout: "1s", maxattempts: 2 });
    server.faults.add({
      fault: { kind: "stall", milliseconds: 600_000 },
      times: 1,
      when: ({ operation }) => operation === "Token",
    });
    await Promise.all([driver.write("/a", text("x")), driver.write("/b", text("x"))]);
    expect(server.counts()).toEqual({ Token: 2, Insert: 2 });
  });

  it("of the environment are reported where they don't work, without secrets", async () => {
    await using folder = await makeTemporaryFolder("gcs");
    const subject = `eyJhbGciOiJSUzI1NiJ9.${"c2VjcmV0".repeat(4)}.c2ln`;
    await federate(folder.path, subject);
    const causeOf = async (): Promise<string> => {
      await using driver = await withoutKey();
      const error: unknown = await driver.read("/a").catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "DRIVER_ERROR", fault: { obstacle: "denied" } });
      return error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    };
    const refused = await causeOf();
    expect(refused).toMatch(/^GetToken: .*invalid_grant.*\[hidden\].*; set keyfile, or check/);
    expect(refused).not.toMatch(/eyJ|c2VjcmV0|c2ln/);
    await writeFile(join(folder.path, "credentials.json"), "MIIEvQ");
    const damaged = await causeOf();
    expect(damaged).toMatch(/isn't JSON/);
    expect(damaged).not.toContain("MIIE");
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = join(folder.path, "missing.json");
    expect(await causeOf()).toMatch(/does not exist/);
  });

  it("of the machine: another token is asked for when one is refused", async () => {
    await using driver = await withoutKey();
    await driver.write("/a", text("x"));
    server.identity.revoke();
    expect(Buffer.from(await driver.read("/a")).toString()).toBe("x");
  });

  it("of the machine: a signed address is valid for as long as the service's signatures at most", async () => {
    await using driver = await withoutKey({ redirectexpiry: "168h" });
    const url = new URL((await driver.redirectUrl("/a", { method: "GET" })) ?? "");
    expect(url.searchParams.get("X-Goog-Expires")).toBe(String(12 * 3600));
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
