import { findKind } from "@longshore/options/kind";
import { azure } from "./azure/kind.js";
import { filesystem } from "./filesystem/kind.js";
import { gcs } from "./gcs/kind.js";
import { inmemory } from "./inmemory/kind.js";
import type { DriverKind } from "./kind.js";
import { s3 } from "./s3/kind.js";

/** The storage drivers: a new one is a folder and a line here. */
export const DRIVER_KINDS: readonly DriverKind[] = [filesystem, inmemory, s3, azure, gcs];

/** A storage driver of Distribution; the names of its options let editors and messages know them. */
interface UnavailableDriver {
  readonly name: string;
  readonly meaning: string;
  /** What to do in its place. */
  readonly instead: string;
  readonly options: readonly string[];
}

const OTHER_DRIVERS: readonly UnavailableDriver[] = [
  {
    name: "swift",
    meaning: "OpenStack Swift (only in `registry:2`).",
    instead:
      "use storage.s3 with Swift's S3 API as regionendpoint, the container as bucket, prefix as rootdirectory and EC2 credentials (openstack ec2 credentials create)",
    options: words(
      "authurl username password region container tenant tenantid domain domainid trustid insecureskipverify chunksize prefix secretkey accesskey authversion endpointtype rootdirectory",
    ),
  },
  {
    name: "oss",
    meaning: "Aliyun OSS (only in `registry:2`).",
    instead:
      "use storage.s3 with regionendpoint: https://oss-<region>.aliyuncs.com, and accesskeyid and accesskeysecret as accesskey and secretkey: the objects stay where they are",
    options: words(
      "accesskeyid accesskeysecret region bucket endpoint internal encrypt secure chunksize rootdirectory encryptionkeyid",
    ),
  },
];

/** Distribution's drivers that aren't here, which are refused by name. */
export const UNAVAILABLE_DRIVERS = OTHER_DRIVERS.filter(({ name }) => findKind(DRIVER_KINDS, name) === undefined);

function words(text: string): readonly string[] {
  return text.split(" ");
}
