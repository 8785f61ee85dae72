import { afterAll, beforeAll, describe } from "vitest";
import { startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import { driverContract } from "../contract/driver-contract.js";
import { objectStorageContract } from "../contract/object-storage-contract.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import { gcsDriverOn } from "./gcs-subject.js";

const MIB = 1024 * 1024;

/** Runs both suites over our stand-in, with a bucket for each test. */
function suites(parameters: Readonly<Record<string, unknown>> = {}, rewriteBytes = Infinity): void {
  let server: GcsServer | undefined;
  beforeAll(async () => {
    server = await startGcs();
    server.rewriteBytes = rewriteBytes;
  });
  afterAll(() => server?.stop());
  const subject = {
    create: async () => {
      if (server === undefined) throw new Error("the server has not started");
      return gcsDriverOn(server, server.newBucket(), parameters);
    },
    destroy: (driver: StorageDriver) => driver.close(),
  };
  driverContract("gcs", { ...subject, objectStorage: true });
  objectStorageContract("gcs", { ...subject, conditionalWrites: true });
}

describe("over our stand-in", () => suites());

describe("over our stand-in, below a directory, with copies in several calls and little memory", () => {
  suites({ rootdirectory: "/some/root dir+ä/", chunksize: 5 * MIB, uploadbuffers: 16 * MIB }, MIB);
});
