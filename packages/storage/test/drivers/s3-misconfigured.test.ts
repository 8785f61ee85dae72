import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { isStorageError } from "../../src/errors.js";
import { driverOn } from "./s3-subject.js";

describe("an S3 driver with a broken configuration", () => {
  let server: StandIn;
  beforeAll(async () => {
    server = await startStandIn();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    server.faults.clear();
    server.log.clear();
  });

  /** What the first failed call logs. No request is repeated. */
  const told = async (parameters: Readonly<Record<string, unknown>> = {}): Promise<string> => {
    const driver = await driverOn(server, parameters, { random: () => 0 });
    server.log.clear();
    try {
      const error: unknown = await driver.read("/a").catch((reason: unknown) => reason);
      expect(server.log.counts()).toEqual({ GetObject: 1 });
      return isStorageError(error, "DRIVER_ERROR") && error.cause instanceof Error ? error.cause.message : "";
    } finally {
      await driver.close();
    }
  };

  it("reports wrong keys rather than missing permissions", async () => {
    expect(await told({ secretkey: "another" })).toMatch(/SignatureDoesNotMatch.*secretkey belongs to accesskey$/);
    expect(await told({ accesskey: "NOBODY" })).toMatch(/InvalidAccessKeyId.*check accesskey and regionendpoint$/);
  });

  it("doesn't mistake a bucket in another region for storage that is down", async () => {
    server.faults.add({ fault: { kind: "error", status: 301, code: "PermanentRedirect" } });
    expect(await told()).toMatch(/PermanentRedirect.*check region and regionendpoint$/);
  });

  it("reports an archived object", async () => {
    server.faults.add({ fault: { kind: "error", status: 403, code: "InvalidObjectState" } });
    expect(await told()).toMatch(/InvalidObjectState.*archived/);
  });
});
