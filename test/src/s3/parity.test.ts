import { describe } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { type S3Server, startS3Server } from "@longshore/testkit/s3/server";
import { listingParity } from "./parity/listings.js";
import { multipartParity } from "./parity/multipart.js";
import { objectParity } from "./parity/objects.js";
import { signingParity } from "./parity/signing.js";
import { useParitySite, type Ways } from "./parity/site.js";

/** As AWS documents it, and the stand-in does it. */
const AWS: Ways = {
  partsOfUnknown: "404 NoSuchUpload",
  completionOfUnknown: "404 NoSuchUpload",
  partsOutOfOrder: "400 InvalidPartOrder",
  partsLeftOut: "done",
  partTooMany: "400 InvalidArgument",
  completionOverObject: "412 PreconditionFailed",
  copyOfOther: "412 PreconditionFailed",
  matchingWrite: "done",
  wrongCrc32: "400 BadDigest",
  rolledUploads: ["open/a/", "open/b/"],
};

/** Version 16, which is Debian's. */
const CEPH: Ways = {
  partsOfUnknown: "404 NoSuchKey",
  completionOfUnknown: "500 InternalError",
  partsOutOfOrder: "done",
  partsLeftOut: "400 InvalidPart",
  partTooMany: "done",
  completionOverObject: "done",
  copyOfOther: "done",
  matchingWrite: "412 PreconditionFailed",
  wrongCrc32: "done",
  rolledUploads: [],
};

/** The same checks for the stand-in and for a real server, so that the stand-in can't become what we wish S3 were. */
function declareParity(start: () => Promise<S3Server>, ways: Ways): void {
  const site = useParitySite(start, ways);
  objectParity(site);
  listingParity(site);
  multipartParity(site);
  signingParity(site);
}

describe("our stand-in for S3", () => declareParity(() => startS3Server("stand-in"), AWS));

describePeers("S3 as Ceph has it", ["ceph"], () => declareParity(() => startS3Server("ceph"), CEPH));
