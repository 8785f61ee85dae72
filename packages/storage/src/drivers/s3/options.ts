import { DAY, SECOND } from "@longshore/base/duration";
import { GIB, MIB } from "@longshore/base/size";
import {
  boundedDuration,
  looseFlag,
  looseInteger,
  optionalLooseFlag,
  optionalLooseInteger,
  secret,
  text,
  textOr,
  word,
} from "@longshore/options/declare";
import { refuse } from "@longshore/options/kind";
import type { z } from "zod";
import { serviceOptions } from "../objects/options.js";
import { isAmazon, parseEndpoint, type Endpoint } from "./endpoint.js";

const OURS = { ours: true };
/** In a string, the leading digits count, as in Distribution. */
const LEADING = { leadingDigits: true };
const PART = { min: 5 * MIB, max: 5 * GIB, ...LEADING };

const STORAGE_CLASSES = [
  "NONE",
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "OUTPOSTS",
  "GLACIER_IR",
  "EXPRESS_ONEZONE",
] as const;

const ACLS = [
  "private",
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "bucket-owner-full-control",
] as const;

const CHECKSUMS = ["when_required", "when_supported"] as const;

const service = serviceOptions(LEADING);

const where = {
  bucket: text("The bucket. It must exist. Required."),
  region: text("Its region. Required without `regionendpoint`."),
  regionendpoint: text("A service other than Amazon's: its URL, or its host.", {
    aliases: ["endpoint", "endpointurl", "serviceurl", "url", "host"],
  }),
  forcepathstyle: optionalLooseFlag("Whether the bucket stands in the path of a URL, not in the host's name.", {
    fallback: "true with a `regionendpoint` outside of Amazon's and the like, else false",
    aliases: ["pathstyle", "usepathstyle", "s3forcepathstyle"],
  }),
  rootdirectory: textOr("", "What all keys begin with.", { fallback: undefined, aliases: ["prefix", "keyprefix"] }),
  secure: looseFlag(true, "HTTPS, where `regionendpoint` has no scheme."),
  skipverify: looseFlag(false, "Doesn't verify the service's certificate.", {
    aliases: ["insecure", "insecureskipverify", "skiptlsverify"],
  }),
  usedualstack: looseFlag(false, "Amazon's endpoints for IPv6."),
  accelerate: looseFlag(false, "Amazon's Transfer Acceleration."),
  usefipsendpoint: looseFlag(false, "Amazon's FIPS endpoints."),
};

const who = {
  accesskey: secret(
    "The access key. Without it or `secretkey` the AWS SDK's default chain finds credentials: environment, shared configuration, web identity, container or instance role.",
    { aliases: ["accesskeyid", "awsaccesskeyid"] },
  ),
  secretkey: secret("The secret key.", { aliases: ["secretaccesskey", "awssecretaccesskey"] }),
  sessiontoken: secret("The token of temporary credentials.", OURS),
  v4auth: looseFlag(true, "Must be true: signatures of version 2 aren't made."),
};

const objects = {
  encrypt: looseFlag(false, "Server-side encryption: with keys of S3's own, or with `keyid`."),
  keyid: text("The key in KMS. Counts with `encrypt` only."),
  storageclass: word(STORAGE_CLASSES, "STANDARD", "The storage class; `NONE` sends none.", { anyCase: true }),
  objectacl: word(ACLS, "private", "The canned ACL of every object."),
};

const transfers = {
  chunksize: looseInteger(10 * MIB, PART, "Bytes of a part of an upload. Parts of very large blobs are larger."),
  multipartcopychunksize: looseInteger(32 * MIB, PART, "Bytes of a part of a copy."),
  multipartcopymaxconcurrency: looseInteger(100, { min: 1, ...LEADING }, "Parts that are copied at a time."),
  multipartcopythresholdsize: looseInteger(
    32 * MIB,
    { min: 0, max: 5 * GIB, ...LEADING },
    "Larger blobs are copied in parts.",
  ),
  uploadbuffers: optionalLooseInteger(
    { min: 16 * MIB, max: 1024 * GIB, ...LEADING },
    "Bytes that the parts of all uploads of a worker take in memory; with many uploads, each waits for its turn.",
    { fallback: "134217728, or twice `chunksize` if that is more", ...OURS },
  ),
  checksums: word(
    CHECKSUMS,
    "when_required",
    "Whether the SDK adds checksums of its own to every upload. Services other than Amazon's often refuse them.",
    { anyCase: true, ...OURS },
  ),
  redirectexpiry: boundedDuration("20m", { min: SECOND, max: 7 * DAY }, "How long a presigned address is valid.", OURS),
  maxsockets: service.maxsockets,
};

const faults = {
  connecttimeout: service.connecttimeout,
  requesttimeout: service.requesttimeout,
  retrydeadline: service.retrydeadline,
  maxattempts: service.maxattempts,
  circuitthreshold: service.circuitthreshold,
  circuittime: service.circuittime,
};

const clients = {
  useragent: textOr("", "Is added to the SDK's `User-Agent`.", { fallback: undefined }),
  loglevel: textOr("off", "`debug` and its variants log the requests to the service; anything else doesn't."),
};

/** The options of `storage.s3` (wire contract §6.4). */
export const options = { ...where, ...who, ...objects, ...transfers, ...faults, ...clients };

/** As they are written, each read by itself. */
export type DeclaredOptions = z.output<z.ZodObject<typeof options>>;

/** Keys that the driver signs with; without them the SDK's default chain finds some. */
interface StaticCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string | undefined;
}

/**
 * What the S3 driver is made with: the options as the configuration spells them, and what several of them mean together.
 * Sizes in bytes, times in milliseconds.
 */
export interface S3Options extends Readonly<Omit<DeclaredOptions, "sessiontoken" | "encrypt" | "keyid" | "v4auth">> {
  readonly bucket: string;
  readonly region: string;
  /** Of `regionendpoint`, `secure` and `forcepathstyle`; undefined: Amazon's own for the region. */
  readonly endpoint: Endpoint | undefined;
  /** Of `accesskey`, `secretkey` and `sessiontoken`. */
  readonly credentials: StaticCredentials | undefined;
  /** Of `encrypt` and `keyid`: with a key id KMS encrypts. */
  readonly encryption: { readonly keyid: string | undefined } | undefined;
  readonly uploadbuffers: number;
}

/** Amazon gets new regions every year: their form is checked, not a list of them. */
const REGION = /^[a-z]{2,6}(?:-[a-z]+)+-\d{1,2}$/;
/** What a signature names if a service has no regions. */
const ANY_REGION = "us-east-1";

/** Checks options against each other; what can't work is reported to `context`. */
export function completeOptions(declared: DeclaredOptions, context: z.core.$RefinementCtx): S3Options {
  const wrong = (option: string, message: string): void => refuse(context, option, message);
  const { sessiontoken, encrypt, keyid, v4auth, ...rest } = declared;
  const endpoint = endpointOf(declared, wrong);
  checkSignatureVersion(v4auth, endpoint, wrong);
  if (rest.bucket === undefined || rest.bucket === "") wrong("bucket", "no bucket parameter provided");
  const credentials = credentialsOf(declared);
  if (credentials === undefined && sessiontoken !== undefined) {
    wrong("sessiontoken", "the sessiontoken parameter needs accesskey and secretkey");
  }
  return {
    ...rest,
    bucket: rest.bucket ?? "",
    region: regionOf(rest.region ?? "", endpoint, wrong),
    endpoint,
    ...variantsOf(declared, endpoint, wrong),
    credentials,
    rootdirectory: rest.rootdirectory.replace(/^\/+|\/+$/g, ""),
    // Without `encrypt` a key id has no effect; Distribution sends it all the same (wire contract §12.4).
    encryption: encrypt ? { keyid: keyid === "" ? undefined : keyid } : undefined,
    uploadbuffers: rest.uploadbuffers ?? Math.max(128 * MIB, 2 * rest.chunksize),
  };
}

type Wrong = (option: string, message: string) => void;

function endpointOf({ regionendpoint, secure, forcepathstyle }: DeclaredOptions, wrong: Wrong): Endpoint | undefined {
  if (regionendpoint === undefined || regionendpoint === "") return undefined;
  const endpoint = parseEndpoint(regionendpoint, secure, forcepathstyle);
  if (typeof endpoint !== "string") return endpoint;
  wrong("regionendpoint", endpoint);
  return UNKNOWN_ENDPOINT;
}

/** Stands in for an endpoint that can't be read, so that nothing else is said about it. */
const UNKNOWN_ENDPOINT: Endpoint = { url: "http://unknown.invalid", pathStyle: true };

function checkSignatureVersion(v4auth: boolean, endpoint: Endpoint | undefined, wrong: Wrong): void {
  if (v4auth) return;
  if (endpoint === undefined || isAmazon(new URL(endpoint.url).hostname)) {
    wrong("v4auth", "on Amazon S3 this storage driver can only be used with v4 authentication");
    return;
  }
  wrong(
    "v4auth",
    "v4auth: false asks for signatures of version 2, which are not available; every current service accepts version 4: remove the key",
  );
}

function regionOf(region: string, endpoint: Endpoint | undefined, wrong: Wrong): string {
  if (endpoint !== undefined) return region === "" ? ANY_REGION : region;
  if (region === "") wrong("region", "no region parameter provided");
  else if (!REGION.test(region)) wrong("region", `invalid region provided: ${region}`);
  return region;
}

type Variants = Pick<S3Options, "usedualstack" | "accelerate" | "usefipsendpoint">;

/** With an endpoint these have no meaning, and Distribution ignores them. */
function variantsOf(declared: DeclaredOptions, endpoint: Endpoint | undefined, wrong: Wrong): Variants {
  const { secure, forcepathstyle } = declared;
  const isOwn = endpoint === undefined;
  const accelerate = declared.accelerate && isOwn;
  const usefipsendpoint = declared.usefipsendpoint && isOwn;
  if ((accelerate || usefipsendpoint) && !secure) {
    wrong("secure", `secure: false can't be used together with ${accelerate ? "accelerate" : "usefipsendpoint"}`);
  }
  if (accelerate && (usefipsendpoint || forcepathstyle === true)) {
    const other = usefipsendpoint ? "usefipsendpoint" : "forcepathstyle";
    wrong("accelerate", `accelerate can't be used together with ${other}`);
  }
  return { usedualstack: declared.usedualstack && isOwn, accelerate, usefipsendpoint };
}

function credentialsOf({ accesskey, secretkey, sessiontoken }: DeclaredOptions): StaticCredentials | undefined {
  if (accesskey === undefined || secretkey === undefined) return undefined;
  return {
    accessKey: accesskey.reveal(),
    secretKey: secretkey.reveal(),
    sessionToken: sessiontoken?.reveal(),
  };
}
