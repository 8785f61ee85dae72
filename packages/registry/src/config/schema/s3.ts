import { z } from "zod";
import { Secret } from "../secret.js";
import { durationText, key, type KeyInfo, section } from "./kit.js";

/**
 * The parameters of the S3 driver (contract §6.4). What is written is checked here, so that a message has its line, and passed
 * on as it is: the driver reads it and has the defaults, which a test compares with those given here.
 */

type Extra = Partial<Pick<KeyInfo, "fallback" | "ours">>;

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const OURS = { ours: true };

const scalar = z.union([z.string(), z.number(), z.boolean()]);

function text(meaning: string, extra: Extra = {}) {
  return key(scalar.optional(), { meaning, type: "text", allowed: "a text", ...extra });
}

function secret(meaning: string, extra: Extra = {}) {
  const schema = scalar.transform((value) => new Secret(String(value))).optional();
  return key(schema, { meaning, type: "text", allowed: "a text", secret: true, ...extra });
}

/** As Go reads a boolean of a text. */
const WORDS = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"] as const;

function flag(fallback: string, meaning: string, extra: Extra = {}) {
  const schema = z.union([z.boolean(), z.enum(WORDS)]).optional();
  return key(schema, { meaning, type: "boolean", allowed: "true or false", fallback, ...extra });
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Of a text the leading digits count, as in the original. */
function integer(fallback: number | string, { min, max }: Bounds, meaning: string, extra: Extra = {}) {
  const schema = z
    .union([z.int(), z.string().regex(/^\s*[-+]?\d+/)])
    .refine((value) => {
      const number = typeof value === "number" ? value : Number.parseInt(value, 10);
      return number >= min && number <= max;
    })
    .optional();
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
  return key(schema, { meaning, type: "integer", allowed, fallback: String(fallback), ...extra });
}

function duration(fallback: string, bounds: Bounds, meaning: string) {
  return durationText(fallback, bounds, meaning, OURS);
}

function word<const T extends readonly string[]>(
  words: T,
  fallback: T[number],
  meaning: string,
  { anyCase = false, ...extra }: Extra & { readonly anyCase?: boolean } = {},
) {
  const known = (value: string): boolean =>
    words.some((each) => each === value || (anyCase && each.toLowerCase() === value.toLowerCase()));
  return key(z.string().refine(known).optional(), {
    meaning,
    type: words.map((each) => `\`${each}\``).join(", "),
    allowed: `one of ${words.join(", ")}`,
    fallback,
    ...extra,
  });
}

const PART = { min: 5 * MIB, max: 5 * GIB };
const TIME = { min: 100, max: 3_600_000 };

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

const where = {
  bucket: text("The bucket. It must exist. Required."),
  region: text("Its region. Required without `regionendpoint`."),
  regionendpoint: text("A service other than Amazon's: its URL, or its host."),
  forcepathstyle: flag(
    "true with a `regionendpoint` outside of Amazon's and the like, else false",
    "The bucket stands in the path of a URL, not in the host's name.",
  ),
  rootdirectory: text("What all keys begin with."),
  secure: flag("true", "HTTPS, where `regionendpoint` has no scheme."),
  skipverify: flag("false", "Doesn't verify the service's certificate."),
  usedualstack: flag("false", "Amazon's endpoints for IPv6."),
  accelerate: flag("false", "Amazon's Transfer Acceleration."),
  usefipsendpoint: flag("false", "Amazon's FIPS endpoints."),
};

const who = {
  accesskey: secret(
    "The access key. Without it or `secretkey` the AWS SDK's default chain finds credentials: environment, shared configuration, web identity, container or instance role.",
  ),
  secretkey: secret("The secret key."),
  sessiontoken: secret("The token of temporary credentials.", OURS),
  v4auth: flag("true", "Must be true: signatures of version 2 aren't made."),
};

const objects = {
  encrypt: flag("false", "Server-side encryption: with keys of S3's own, or with `keyid`."),
  keyid: text("The key in KMS. Counts with `encrypt` only."),
  storageclass: word(STORAGE_CLASSES, "STANDARD", "The storage class; `NONE` sends none.", { anyCase: true }),
  objectacl: word(ACLS, "private", "The canned ACL of every object."),
};

const transfers = {
  chunksize: integer(10 * MIB, PART, "Bytes of a part of an upload. Parts of very large blobs are larger."),
  multipartcopychunksize: integer(32 * MIB, PART, "Bytes of a part of a copy."),
  multipartcopymaxconcurrency: integer(
    100,
    { min: 1, max: Number.MAX_SAFE_INTEGER },
    "Parts that are copied at a time.",
  ),
  multipartcopythresholdsize: integer(32 * MIB, { min: 0, max: 5 * GIB }, "Larger blobs are copied in parts."),
  uploadbuffers: integer(
    "134217728, or twice `chunksize` where that is more",
    { min: 16 * MIB, max: 1024 * GIB },
    "Bytes that the parts of all uploads of a worker take in memory; with many uploads, each waits for its turn.",
    OURS,
  ),
  checksums: word(
    ["when_required", "when_supported"],
    "when_required",
    "Whether the SDK adds checksums of its own to every upload. Services other than Amazon's often refuse them.",
    { anyCase: true, ...OURS },
  ),
  redirectexpiry: duration("20m", { min: 1000, max: 604_800_000 }, "How long a presigned address is good."),
  maxsockets: integer(256, { min: 1, max: 65_536 }, "Connections of a worker to the service.", OURS),
};

const faults = {
  connecttimeout: duration("5s", TIME, "For a connection to be made."),
  requesttimeout: duration("30s", TIME, "For the next sign of life of a request."),
  retrydeadline: duration("60s", TIME, "How long a failed request is tried again. Then the answer is 503."),
  maxattempts: integer(6, { min: 1, max: 100 }, "Attempts in that time, the first one included.", OURS),
  circuitthreshold: integer(
    20,
    { min: 0, max: 1_000_000 },
    "Failures in a row after which a worker asks the service nothing for `circuittime` and answers 503 at once; 0: never.",
    OURS,
  ),
  circuittime: duration("5s", TIME, "How long, before one request tries again."),
};

const clients = {
  useragent: text("Is added to the SDK's `User-Agent`."),
  loglevel: text("`debug` and its variants: the service's requests are logged; anything else: they aren't.", {
    fallback: "off",
  }),
};

const parameters = { ...where, ...who, ...objects, ...transfers, ...faults, ...clients };

export const s3 = section(
  parameters,
  "Amazon S3 and compatible services. See [operating](operating.md#s3-and-several-replicas).",
  {
    untyped: true,
  },
).nullish();

export const s3aws = section(parameters, "Another name of `s3`.", { untyped: true }).nullish();

/** The parameters' names, for what compares them with the driver's. */
export const S3_PARAMETERS: readonly string[] = Object.keys(parameters);
