import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import type { GcsOperation } from "@longshore/testkit/gcs/operations";
import { expectFault } from "../contract/driver-contract.js";
import { gcsDriverOn } from "./gcs-subject.js";
import { objectFaults } from "./object-faults.js";

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

  it("an abandoned upload leaves nothing", async () => {
    const driver = await open({ chunksize: 5 * MIB, maxattempts: 1 });
    server.faults.add({
      fault: { kind: "error", status: 400, code: "InvalidArgument" },
      when: ({ operation, query }) => operation === "UploadPart" && query.get("partNumber") === "2",
    });
    const writer = await driver.writer("/u/data");
    const writing = async (): Promise<void> => {
      for (let part = 0; part < 30; part += 1) await writer.write(randomBytes(MIB));
      await writer.commit();
    };
    await expectFault(writing(), "DRIVER_ERROR");
    await writer.close();
    expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
    await expectFault(driver.stat("/u/data"), "PATH_NOT_FOUND");
  });
});
