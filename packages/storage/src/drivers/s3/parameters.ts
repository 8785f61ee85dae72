import { isAmazon, parseEndpoint, type Endpoint } from "./endpoint.js";
import {
  durationOf,
  flagOf,
  integerOf,
  optionalFlagOf,
  textOf,
  toRawParameters,
  wordOf,
  wrong,
  type RawParameters,
} from "./parameter-values.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

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

const LOG_LEVELS = [
  "off",
  "debug",
  "debugwithsigning",
  "debugwithhttpbody",
  "debugwithrequestretries",
  "debugwithrequesterrors",
  "debugwitheventstreambody",
] as const;

const CHECKSUMS = ["when_required", "when_supported"] as const;

export type StorageClass = Exclude<(typeof STORAGE_CLASSES)[number], "NONE">;
export type ObjectAcl = (typeof ACLS)[number];

/** Keys that the driver signs with; without them the SDK's default chain finds some. */
export interface StaticCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string | undefined;
}

/** How server-side encryption is asked for; with a key id by KMS. */
export interface Encryption {
  readonly keyId: string | undefined;
}

/** What the S3 driver is made with. Sizes in bytes, times in milliseconds. */
export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** undefined: Amazon's own for the region. */
  readonly endpoint: Endpoint | undefined;
  /** For Amazon's own endpoint. */
  readonly pathStyle: boolean;
  readonly secure: boolean;
  readonly skipVerify: boolean;
  readonly dualStack: boolean;
  readonly accelerate: boolean;
  readonly fips: boolean;
  readonly credentials: StaticCredentials | undefined;
  /** Without slashes at its ends. */
  readonly rootDirectory: string;
  readonly encryption: Encryption | undefined;
  readonly storageClass: StorageClass | undefined;
  readonly acl: ObjectAcl;
  readonly userAgent: string;
  readonly verbose: boolean;
  readonly checksums: (typeof CHECKSUMS)[number];
  readonly chunkSize: number;
  readonly copyChunkSize: number;
  readonly copyConcurrency: number;
  readonly copyThreshold: number;
  readonly uploadBuffers: number;
  readonly redirectExpiry: number;
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly retryDeadline: number;
  readonly maxAttempts: number;
  readonly maxSockets: number;
  /** Failures in a row that open the circuit; 0: it never opens. */
  readonly circuitThreshold: number;
  readonly circuitTime: number;
}

/** Amazon has more regions every year: their form is checked, not a list of them. */
const REGION = /^[a-z]{2,6}(?:-[a-z]+)+-\d{1,2}$/;
/** What a signature names where a service has no regions. */
const ANY_REGION = "us-east-1";
const PART = { least: 5 * MIB, most: 5 * GIB };

/** The options that a configuration's parameters spell (contract §6.4). Throws DriverParameterError. */
export function parseS3Parameters(parameters: unknown): S3Options {
  const raw = toRawParameters(parameters);
  const secure = flagOf(raw, "secure", true);
  const forcePathStyle = optionalFlagOf(raw, "forcepathstyle");
  const regionEndpoint = textOf(raw, "regionendpoint");
  const endpoint = regionEndpoint === "" ? undefined : parseEndpoint(regionEndpoint, secure, forcePathStyle);
  checkSignatureVersion(raw, endpoint);
  const region = regionOf(raw, endpoint);
  const bucket = textOf(raw, "bucket");
  if (bucket === "") throw wrong("bucket", "no bucket parameter provided");
  return {
    bucket,
    region,
    endpoint,
    pathStyle: forcePathStyle ?? false,
    secure,
    skipVerify: flagOf(raw, "skipverify", false),
    ...variantsOf(raw, endpoint, secure, forcePathStyle ?? false),
    credentials: credentialsOf(raw),
    rootDirectory: textOf(raw, "rootdirectory").replace(/^\/+|\/+$/g, ""),
    encryption: encryptionOf(raw),
    ...objectSettingsOf(raw),
    userAgent: textOf(raw, "useragent"),
    // Anything that isn't a level is "off", as in the original.
    verbose: LOG_LEVELS.some((level) => level !== "off" && level === String(raw["loglevel"]).toLowerCase()),
    ...transferSettingsOf(raw),
    ...patienceOf(raw),
  };
}

function checkSignatureVersion(raw: RawParameters, endpoint: Endpoint | undefined): void {
  if (flagOf(raw, "v4auth", true)) return;
  if (endpoint === undefined || isAmazon(new URL(endpoint.url).hostname)) {
    throw wrong("v4auth", "on Amazon S3 this storage driver can only be used with v4 authentication");
  }
  throw wrong(
    "v4auth",
    "v4auth: false asks for signatures of version 2, which are not available; every service of today takes version 4: remove the key",
  );
}

function regionOf(raw: RawParameters, endpoint: Endpoint | undefined): string {
  const region = textOf(raw, "region");
  if (endpoint !== undefined) return region === "" ? ANY_REGION : region;
  if (region === "") throw wrong("region", "no region parameter provided");
  if (!REGION.test(region)) throw wrong("region", `invalid region provided: ${region}`);
  return region;
}

/** With an endpoint these have no meaning, and the original passes over them. */
function variantsOf(
  raw: RawParameters,
  endpoint: Endpoint | undefined,
  secure: boolean,
  pathStyle: boolean,
): Pick<S3Options, "dualStack" | "accelerate" | "fips"> {
  const own = endpoint === undefined;
  const dualStack = flagOf(raw, "usedualstack", false) && own;
  const accelerate = flagOf(raw, "accelerate", false) && own;
  const fips = flagOf(raw, "usefipsendpoint", false) && own;
  if ((accelerate || fips) && !secure) {
    throw wrong("secure", `secure: false can't be used together with ${accelerate ? "accelerate" : "usefipsendpoint"}`);
  }
  if (accelerate && (fips || pathStyle)) {
    throw wrong("accelerate", `accelerate can't be used together with ${fips ? "usefipsendpoint" : "forcepathstyle"}`);
  }
  return { dualStack, accelerate, fips };
}

function credentialsOf(raw: RawParameters): StaticCredentials | undefined {
  const accessKey = textOf(raw, "accesskey");
  const secretKey = textOf(raw, "secretkey");
  const sessionToken = textOf(raw, "sessiontoken");
  if (accessKey === "" || secretKey === "") {
    if (sessionToken === "") return undefined;
    throw wrong("sessiontoken", "the sessiontoken parameter needs accesskey and secretkey");
  }
  return { accessKey, secretKey, sessionToken: sessionToken === "" ? undefined : sessionToken };
}

/** A key id without `encrypt` does nothing; the original sends it all the same (contract §12.4). */
function encryptionOf(raw: RawParameters): Encryption | undefined {
  const keyId = textOf(raw, "keyid");
  if (!flagOf(raw, "encrypt", false)) return undefined;
  return { keyId: keyId === "" ? undefined : keyId };
}

function objectSettingsOf(raw: RawParameters): Pick<S3Options, "storageClass" | "acl"> {
  const storageClass = wordOf(
    raw,
    "storageclass",
    STORAGE_CLASSES,
    (text) => text.toUpperCase(),
    (given) => `the storageclass parameter must be one of [${STORAGE_CLASSES.join(" ")}], ${given} invalid`,
  );
  const acl = wordOf(
    raw,
    "objectacl",
    ACLS,
    (text) => text,
    (given) => `invalid value for objectacl parameter: ${given}`,
  );
  return {
    storageClass: storageClass === "NONE" ? undefined : (storageClass ?? "STANDARD"),
    acl: acl ?? "private",
  };
}

type TransferSettings =
  | "chunkSize"
  | "copyChunkSize"
  | "copyConcurrency"
  | "copyThreshold"
  | "uploadBuffers"
  | "checksums"
  | "redirectExpiry";

function transferSettingsOf(raw: RawParameters): Pick<S3Options, TransferSettings> {
  const checksums = wordOf(
    raw,
    "checksums",
    CHECKSUMS,
    (text) => text.toLowerCase(),
    (given) => `the checksums parameter must be one of [${CHECKSUMS.join(" ")}], ${given} invalid`,
  );
  const chunkSize = integerOf(raw, "chunksize", { fallback: 10 * MIB, ...PART });
  return {
    chunkSize,
    copyChunkSize: integerOf(raw, "multipartcopychunksize", { fallback: 32 * MIB, ...PART }),
    copyConcurrency: integerOf(raw, "multipartcopymaxconcurrency", {
      fallback: 100,
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
    }),
    copyThreshold: integerOf(raw, "multipartcopythresholdsize", { fallback: 32 * MIB, least: 0, most: 5 * GIB }),
    uploadBuffers: integerOf(raw, "uploadbuffers", {
      fallback: Math.max(128 * MIB, 2 * chunkSize),
      least: 16 * MIB,
      most: 1024 * GIB,
    }),
    checksums: checksums ?? "when_required",
    redirectExpiry: durationOf(raw, "redirectexpiry", { fallback: 20 * MINUTE, least: SECOND, most: 7 * DAY }),
  };
}

type Patience =
  | "connectTimeout"
  | "requestTimeout"
  | "retryDeadline"
  | "maxAttempts"
  | "maxSockets"
  | "circuitThreshold"
  | "circuitTime";

function patienceOf(raw: RawParameters): Pick<S3Options, Patience> {
  const time = (name: string, fallback: number): number =>
    durationOf(raw, name, { fallback, least: 100, most: 60 * MINUTE });
  return {
    connectTimeout: time("connecttimeout", 5 * SECOND),
    requestTimeout: time("requesttimeout", 30 * SECOND),
    retryDeadline: time("retrydeadline", 60 * SECOND),
    maxAttempts: integerOf(raw, "maxattempts", { fallback: 6, least: 1, most: 100 }),
    maxSockets: integerOf(raw, "maxsockets", { fallback: 256, least: 1, most: 65_536 }),
    circuitThreshold: integerOf(raw, "circuitthreshold", { fallback: 20, least: 0, most: 1_000_000 }),
    circuitTime: time("circuittime", 5 * SECOND),
  };
}
