import { SECOND } from "@longshore/base/duration";
import {
  BROKEN_CONNECTION,
  firstLine,
  kindOfStatus,
  NOT_TLS,
  ServiceFault,
  withoutSecrets,
  type FaultKind,
} from "../objects/faults.js";

/** The driver's name in errors and metrics (wire contract §6.5). */
export const NAME = "gcs";

/** What the service says about a request that it didn't carry out: JSON, XML, or a line of text. */
export interface Refusal {
  readonly status: number;
  /** The JSON API's `reason`, or the XML API's `Code`. */
  readonly code: string;
  readonly message: string;
  /** How long the service asks to wait (ms). */
  readonly wait: number | undefined;
}

const KINDS: Readonly<Record<string, FaultKind>> = {
  NoSuchKey: "not-found",
  NoSuchBucket: "refused",
  NoSuchUpload: "no-upload",
  InvalidPart: "no-upload",
  conditionNotMet: "precondition",
  rateLimitExceeded: "throttled",
  userRateLimitExceeded: "throttled",
  SlowDown: "throttled",
  quotaExceeded: "quota",
  uploadBrokenConnection: "transient",
  backendError: "transient",
  internalError: "transient",
  InternalError: "transient",
  ServiceUnavailable: "transient",
  RequestTimeout: "transient",
  IncompleteBody: "transient",
  BadDigest: "transient",
  AccessDenied: "access-denied",
};

/** Texts of the JSON API, whose `reason` is the same for an object and a bucket. */
const NO_BUCKET = /bucket does not exist/i;

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [NO_BUCKET, "create the bucket, or check the bucket parameter"],
  [/NoSuchBucket/, "create the bucket, or check the bucket parameter"],
  [/storage\.objects\.list/, "without the permission to list, the service answers so for every missing object, too"],
  [/storage\.\w+\.\w+ access|AccessDenied|forbidden/, "give the identity the role Storage Object User on the bucket"],
  [/billing/i, "the project's billing account is disabled"],
  [/retentionPolicyNotMet|objectUnderActiveHold/, "a registry can't work with retention policies or holds"],
  [/invalid_grant/, "check that the key still exists, and this machine's clock"],
];

/** An object can be written once a second; earlier attempts would be in vain (ms). */
const WRITE_INTERVAL = SECOND;

/** Translates what the service answered into a fault of `operation`, whose text never contains `secrets`. */
export function refusalToFault(refusal: Refusal, operation: string, secrets: readonly string[]): ServiceFault {
  const { status, code, message, wait } = refusal;
  const text = `${operation}: ${code === "" ? "error" : code} (HTTP ${status}): ${firstLine(message)}`;
  const advice = ADVICE.find(([pattern]) => pattern.test(text))?.[1];
  const full = advice === undefined ? text : `${text}; ${advice}`;
  const kind = kindOf(refusal);
  const pause = wait ?? (kind === "throttled" ? WRITE_INTERVAL : undefined);
  return new ServiceFault(kind, status, withoutSecrets(full, secrets), pause);
}

function kindOf({ status, code, message }: Refusal): FaultKind {
  if (NO_BUCKET.test(message)) return "refused";
  if (KINDS[code] !== undefined) return KINDS[code];
  if (status === 401) return "access-denied";
  // After success was told, there is the code only.
  return status < 300 && code !== "" ? "refused" : kindOfStatus(status);
}

/** Translates an error of a connection or a library into a fault of `operation`. */
export function toFault(error: unknown, operation: string, secrets: readonly string[]): ServiceFault {
  if (error instanceof ServiceFault) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : "";
  const isBroken = BROKEN_CONNECTION.has(code) || code.startsWith("UND_ERR_");
  const hint = NOT_TLS.test(message) ? "; the endpoint speaks plain HTTP: begin serviceurl with http://" : "";
  const text = `${operation}: ${code}: ${firstLine(message)}${hint}`;
  return new ServiceFault(isBroken ? "transient" : "refused", undefined, withoutSecrets(text, secrets));
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
