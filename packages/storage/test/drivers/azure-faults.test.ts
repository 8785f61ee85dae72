import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import type { AzureOperation } from "@longshore/testkit/azure/operations";
import type { Fault } from "@longshore/testkit/s3/stand-in/faults";
import { collectBytes } from "@longshore/testkit/streams";
import { describePeers } from "@longshore/testkit/peers";
import { azureDriverOn } from "./azure-subject.js";
import { objectFaults } from "./object-faults.js";
import { expectFault } from "../contract/driver-contract.js";

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describePeers("the Azure driver when things go wrong", ["azurite"], () => {
  let azurite: Azurite;
  let front: AzureFront;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    azurite = await startAzurite();
    front = await startAzureFront(azurite);
  });
  afterAll(async () => {
    await front.stop();
    await azurite.stop();
  });
  afterEach(async () => {
    front.faults.clear();
    for (const one of close.splice(0)) await one();
    close = [];
  });

  /** Pauses are skipped in these tests unless stated. */
  const open = async (
    parameters: Readonly<Record<string, unknown>> = {},
    surroundings: Parameters<typeof azureDriverOn>[3] = {},
  ) => {
    // In Distribution's place, so that nothing is asked first.
    const container = await azurite.newContainer();
    const given = { legacyrootprefix: false, ...parameters };
    const driver = azureDriverOn(front, container, given, { random: () => 0, ...surroundings });
    close.push(() => driver.close());
    return Object.assign(driver, { container });
  };
  const strike = (operation: AzureOperation, fault: Fault, times = 1) =>
    front.faults.add({ fault, times, when: (request) => request.operation === operation });
  objectFaults({
    server: () => ({
      faults: front.faults,
      counts: () => front.counts(),
      clear: () => front.clear(),
      lastCondition: () => front.requests.at(-1)?.headers["if-match"],
    }),
    open,
    busy: { kind: "error", status: 503, code: "ServerBusy" },
    internal: { kind: "error", status: 500, code: "InternalError" },
    attempts: (count) => ({ max_retries: count - 1 }),
    small: ["PutBlob", "GetBlob", "GetBlobProperties", "ListBlobs", "DeleteBlob", "PutBlobFromURL"],
    large: ["PutBlock", "PutBlockFromURL", "PutBlockList"],
    largeParameters: { chunksize: 5 * MIB, copychunksize: 5 * MIB },
    put: "PutBlob",
    get: "GetBlob",
  });

  it("copies into one blob at the same time all succeed, although the first that ends discards the blocks of others", async () => {
    const driver = await open({ copychunksize: 5 * MIB });
    const bytes = randomBytes(11 * MIB);
    await driver.write("/source", bytes);
    const source = { path: "/source", size: bytes.length };
    await Promise.all(Array.from({ length: 4 }, () => driver.compose([source], "/copy")));
    expect(Buffer.compare(await collectBytes(await driver.open("/copy")), bytes)).toBe(0);
    // Whatever the order was: another write completes the blob between the blocks and their list.
    const stall = strike("PutBlockList", { kind: "stall", milliseconds: 300 });
    const copying = driver.compose([source], "/copy");
    await expect.poll(() => stall.hits).toBe(1);
    await driver.compose([source], "/copy");
    await copying;
    expect(front.counts().PutBlockList).toBeGreaterThan(6);
    expect(await driver.abortUnfinished("/", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
  }, 180_000);

  describe("what the operator has to do is said", () => {
    const causeOf = async (call: Promise<unknown>): Promise<string> => {
      const error: unknown = await call.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    };

    it("about a container that doesn't exist, which is no missing file", async () => {
      const driver = await open();
      await azurite.client.deleteContainer(driver.container);
      for (const call of [
        () => driver.stat("/a", { fileOnly: true }),
        () => driver.read("/a"),
        () => driver.write("/a", text("x")),
        () => driver.list("/"),
        () => driver.delete("/a", { fileOnly: true }),
      ]) {
        await expectFault(call(), "DRIVER_ERROR");
        expect(await causeOf(call())).toMatch(/ContainerNotFound .*create the container, or check the container and/);
      }
    });

    it("about a wrong key, which no message contains", async () => {
      const key = Buffer.from("wrong").toString("base64");
      const driver = azureDriverOn({ ...front, key }, await azurite.newContainer());
      close.push(() => driver.close());
      await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR", obstacle: "denied" } });
      expect(await causeOf(driver.read("/a"))).toMatch(/AuthorizationFailure .*check/);
      strike("GetBlob", { kind: "error", status: 403, code: "AuthenticationFailed" });
      const real = await open();
      expect(await causeOf(real.read("/a"))).toMatch(
        /check that accountkey is a key of accountname, and this machine's clock/,
      );
      expect(await causeOf(driver.read("/a"))).not.toContain(key);
    });

    it("about TLS where the service speaks plain HTTP", async () => {
      const serviceUrl = front.serviceUrl.replace("http:", "https:");
      const driver = azureDriverOn({ ...front, serviceUrl }, "container", { max_retries: -1 });
      close.push(() => driver.close());
      const error: unknown = await driver.read("/a").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      expect(JSON.stringify(error instanceof Error ? String(error.cause) : "")).toContain(
        "begin serviceurl with http://",
      );
    });
  });
});
