import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { describePeer } from "@longshore/testkit/peers";
import { startS3Server, type S3Kind, type S3Server } from "@longshore/testkit/s3/server";
import { driverContract } from "../contract/driver-contract.js";
import { objectStorageContract } from "../contract/object-storage-contract.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import { quarantineSuite } from "../scrub/quarantine-suite.js";
import { driverOn } from "./s3-subject.js";

const MIB = 1024 * 1024;

/** Runs all suites over one server, with a bucket for each test. */
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
  // Swift removes the older file before it checks for the newer one.
  driverContract("s3", { ...subject, objectStorage: true, inconsistent: kind === "swift" });
  // Swift 2.30 doesn't support them.
  objectStorageContract("s3", { ...subject, conditionalWrites: kind !== "swift" });
  if (kind !== "swift") describe("quarantine", () => quarantine(subject.create));
}

function quarantine(create: () => Promise<StorageDriver>): void {
  const opened: StorageDriver[] = [];
  afterEach(async () => {
    for (const driver of opened.splice(0)) await driver.close();
  });
  const fresh = async (): Promise<StorageDriver> => {
    const driver = await create();
    opened.push(driver);
    return driver;
  };
  quarantineSuite(fresh, { every: 12 });
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
