import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { gcsParameters, startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import type { GcsOperation } from "@longshore/testkit/gcs/operations";
import { contentOf } from "@longshore/testkit/s3/stand-in/content";
import { Readable } from "node:stream";
import { createClient, createConnections } from "../../src/drivers/gcs/client.js";
import { createKeyCredential } from "../../src/drivers/gcs/credential.js";
import { keyOf } from "../../src/drivers/gcs/key.js";
import { collectBytes } from "@longshore/testkit/streams";
import { expectFault } from "../contract/driver-contract.js";
import { gcsDriverOn, parseGcsOptions } from "./gcs-subject.js";
import { abandonUpload, objectFaults } from "./object-faults.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the GCS driver when things go wrong", () => {
  let server: GcsServer;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startGcs();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    server.faults.clear();
    server.instead = undefined;
    server.hidesGeneration = false;
    for (const one of close.splice(0)) await one();
    close = [];
  });

  const open = async (
    parameters: Readonly<Record<string, unknown>> = {},
    surroundings: Parameters<typeof gcsDriverOn>[3] = {},
  ) => {
    const driver = await gcsDriverOn(server, server.newBucket(), parameters, { random: () => 0, ...surroundings });
    close.push(() => driver.close());
    return driver;
  };
  const small: readonly GcsOperation[] = ["Insert", "Get", "GetMetadata", "List", "Delete", "Rewrite"];
  const large: readonly GcsOperation[] = ["InitiateUpload", "UploadPart", "CompleteUpload", "Rewrite"];

  objectFaults({
    server: () => ({
      faults: server.faults,
      counts: () => server.counts(),
      clear: () => server.clear(),
      lastCondition: () => server.requests.at(-1)?.query.get("ifGenerationMatch"),
    }),
    open,
    busy: { kind: "error", status: 503, code: "backendError" },
    internal: { kind: "error", status: 500, code: "internalError" },
    attempts: (count) => ({ maxattempts: count }),
    small,
    large,
    largeParameters: { chunksize: 5 * MIB },
    put: "Insert",
    get: "Get",
  });

  describe("what the operator has to do is said", () => {
    const causeOf = async (call: Promise<unknown>): Promise<string> => {
      const error: unknown = await call.catch((reason: unknown) => reason);
      return error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    };

    it("about a bucket that doesn't exist, which is no missing file", async () => {
      const driver = await open({ bucket: "never-made" });
      const source = { path: "/a", size: 1 };
      for (const call of [
        () => driver.stat("/a", { fileOnly: true }),
        () => driver.read("/a"),
        () => driver.write("/a", text("x")),
        () => driver.list("/"),
        () => driver.delete("/a", { fileOnly: true }),
        () => driver.compose([source], "/b"),
        () => driver.compose([source, source], "/b"),
      ]) {
        await expectFault(call(), "DRIVER_ERROR");
        expect(await causeOf(call())).toMatch(/bucket does not exist.*; create the bucket, or check/);
      }
    });

    it("about permissions", async () => {
      const driver = await open();
      server.faults.add({ fault: { kind: "error", status: 403, code: "forbidden" } });
      await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR", obstacle: "denied" } });
      expect(await causeOf(driver.read("/a"))).toMatch(/give the identity the role Storage Object User/);
    });

    it("about TLS where the service speaks plain HTTP", async () => {
      const driver = await open({ serviceurl: server.serviceUrl.replace("http:", "https:"), maxattempts: 1 });
      expect(await causeOf(driver.read("/a"))).toContain("begin serviceurl with http://");
    });
  });

  const once = (operation: GcsOperation, body: () => string): void => {
    let left = 1;
    server.instead = (request) => (request.operation === operation && left-- > 0 ? body() : undefined);
  };

  it("a copy that isn't done and doesn't say how to go on is begun again, before its source is removed", async () => {
    const driver = await open();
    await driver.write("/a", text("hello"));
    server.clear();
    once("Rewrite", () => JSON.stringify({ done: false }));
    await driver.move("/a", "/b");
    expect(Buffer.from(await driver.read("/b")).toString()).toBe("hello");
    expect(server.counts()).toMatchObject({ Rewrite: 2, Delete: 1 });
  });

  it("what is made of files that have another size than the caller has seen is an error, and removed", async () => {
    const driver = await open();
    await driver.write("/a", text("hello"));
    await driver.write("/empty", text("x"));
    const source = { path: "/a", size: 4 };
    for (const sources of [
      [source],
      [source, source],
      [
        { path: "/empty", size: 0 },
        { path: "/a", size: 5 },
      ],
    ]) {
      await expectFault(driver.compose(sources, "/b"), "DRIVER_ERROR");
      await expectFault(driver.stat("/b"), "PATH_NOT_FOUND");
    }
    expect((await driver.stat("/a")).size).toBe(5);
  });

  it("a move removes nothing that was written since, although its removal is carried out twice", async () => {
    const bucket = server.newBucket();
    const driver = await open({ bucket });
    await driver.write("/a", text("old"));
    let seen = 0;
    server.faults.add({
      fault: { kind: "lost-answer" },
      when: ({ operation }) => {
        if (operation !== "Delete") return false;
        seen += 1;
        if (seen === 2) server.store.put(bucket, "a", contentOf(Buffer.from("new")), { contentType: "" });
        return seen === 1;
      },
    });
    await driver.move("/a", "/b");
    expect(seen).toBe(2);
    expect(Buffer.from(await driver.read("/a")).toString()).toBe("new");
  });

  describe("the completion of a large file", () => {
    const put = async (driver: Awaited<ReturnType<typeof open>>): Promise<void> => {
      const writer = await driver.writer("/u/data");
      await writer.write(randomBytes(12 * MIB));
      await writer.commit();
    };
    const failed = (code: string) => (): string =>
      `\n<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;

    it.each([
      ["a failure", failed("InternalError")],
      ["nothing", () => ""],
    ])("that is answered with success and %s is repeated", async (_, body) => {
      const driver = await open({ chunksize: 5 * MIB });
      server.clear();
      once("CompleteUpload", body);
      await put(driver);
      expect((await driver.stat("/u/data")).size).toBe(12 * MIB);
      expect(server.counts()).toMatchObject({ CompleteUpload: 2 });
    });

    it("that is answered with success and a refusal is an error at once", async () => {
      const driver = await open({ chunksize: 5 * MIB });
      server.clear();
      once("CompleteUpload", failed("EntityTooSmall"));
      await expectFault(put(driver), "DRIVER_ERROR");
      expect(server.counts()).toMatchObject({ CompleteUpload: 1 });
    });

    it("that makes a file of another size is an error", async () => {
      const bucket = server.newBucket();
      const driver = await open({ bucket, chunksize: 5 * MIB });
      once("CompleteUpload", () => {
        server.store.put(bucket, "u/data", contentOf(Buffer.from("x")), { contentType: "" });
        return "<CompleteMultipartUploadResult/>";
      });
      await expectFault(put(driver), "DRIVER_ERROR");
    });
  });

  it("where versions aren't told, streams go on, and nothing is written on condition", async () => {
    const driver = await open();
    server.hidesGeneration = true;
    await driver.write("/a", randomBytes(2 * MIB));
    server.faults.add({
      fault: { kind: "reset-in-body", after: MIB },
      times: 1,
      when: ({ operation }) => operation === "Get",
    });
    expect(await collectBytes(await driver.open("/a"))).toHaveLength(2 * MIB);
    const { version } = await driver.readVersioned("/a");
    await expectFault(driver.writeVersioned("/a", text("x"), version), "DRIVER_ERROR");
  });

  it("a token that was refused for a stream isn't sent again", async () => {
    const options = parseGcsOptions(gcsParameters(server, server.newBucket()));
    const key = await keyOf(options.login);
    if (key === undefined) throw new Error("no key");
    const connections = createConnections(options, undefined);
    const client = createClient(options, createKeyCredential(key, connections, 5000), connections, []);
    close.push(() => {
      client.destroy();
      return Promise.resolve();
    });
    const { signal } = new AbortController();
    const list = { operation: "List", method: "GET", path: `/storage/v1/b/${options.bucket}/o` } as const;
    await client.text(list, signal);
    server.identity.revoke();
    server.clear();
    const path = `/upload${list.path}?uploadType=media&name=a`;
    const headers = { "content-length": "1" };
    const sent = client.text(
      { operation: "Insert", method: "POST", path, headers, body: Readable.from(["x"]) },
      signal,
    );
    await expect(sent).rejects.toMatchObject({ kind: "access-denied" });
    await client.text(list, signal);
    expect(server.counts()).toEqual({ Insert: 1, Token: 1, List: 1 });
  });

  it("an abandoned upload leaves nothing", async () => {
    const driver = await open({ chunksize: 5 * MIB, maxattempts: 1 });
    server.faults.add({
      fault: { kind: "error", status: 400, code: "InvalidArgument" },
      when: ({ operation, query }) => operation === "UploadPart" && query.get("partNumber") === "2",
    });
    await abandonUpload(driver);
  });
});
