import { afterAll, beforeAll, describe } from "vitest";
import { describePeer } from "../../../../test/src/support/peers.js";
import { startS3Server, type S3Kind, type S3Server } from "../../../../test/src/support/s3/server.js";
import { driverContract, type DriverSubject } from "../contract/driver-contract.js";
import { driverOn } from "./s3-subject.js";

/** One server for all tests of a suite; a bucket for each. */
function s3Subject(kind: S3Kind, parameters: Readonly<Record<string, unknown>> = {}): DriverSubject {
  let server: S3Server | undefined;
  beforeAll(async () => {
    server = await startS3Server(kind);
  });
  afterAll(() => server?.stop());
  return {
    objectStorage: true,
    create: () => {
      if (server === undefined) throw new Error("the server has not started");
      return driverOn(server, parameters);
    },
    destroy: (driver) => driver.close(),
  };
}

describe("over our stand-in", () => {
  driverContract("s3", s3Subject("stand-in"));
});
describe("over our stand-in, below a directory, with checksums and little memory", () => {
  const parameters = {
    rootdirectory: "/some/root dir+ä/",
    checksums: "when_supported",
    uploadbuffers: 16 * 1024 * 1024,
  };
  driverContract("s3", s3Subject("stand-in", parameters));
});
describePeer("ceph", () => {
  driverContract("s3", s3Subject("ceph"));
});
describePeer("swift", () => {
  driverContract("s3", s3Subject("swift"));
});
