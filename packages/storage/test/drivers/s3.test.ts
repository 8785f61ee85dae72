import { afterAll, beforeAll, describe } from "vitest";
import { describePeer } from "../../../../test/src/support/peers.js";
import { startS3Server, type S3Kind, type S3Server } from "../../../../test/src/support/s3/server.js";
import { driverContract } from "../contract/driver-contract.js";
import { objectStorageContract } from "../contract/object-storage-contract.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import { driverOn } from "./s3-subject.js";

const MIB = 1024 * 1024;

/** Both suites over one server; a bucket for each test. */
function suites(kind: S3Kind, parameters: Readonly<Record<string, unknown>> = {}): void {
  let server: S3Server | undefined;
  beforeAll(async () => {
    server = await startS3Server(kind);
  });
  afterAll(() => server?.stop());
  const subject = {
    create: () => {
      if (server === undefined) throw new Error("the server has not started");
      return driverOn(server, parameters);
    },
    destroy: (driver: StorageDriver) => driver.close(),
  };
  // Swift removes the older file before it looks for the newer one.
  driverContract("s3", { ...subject, objectStorage: true, inconsistent: kind === "swift" });
  // Swift 2.30 has none.
  objectStorageContract("s3", { ...subject, conditionalWrites: kind !== "swift" });
}

describe("over our stand-in", () => {
  suites("stand-in");
});
describe("over our stand-in, below a directory, with checksums, small copies and little memory", () => {
  suites("stand-in", {
    rootdirectory: "/some/root dir+ä/",
    checksums: "when_supported",
    chunksize: 5 * MIB,
    uploadbuffers: 16 * MIB,
    multipartcopychunksize: 5 * MIB,
    multipartcopythresholdsize: 0,
  });
});
describePeer("ceph", () => {
  suites("ceph");
});
describePeer("swift", () => {
  suites("swift");
});
