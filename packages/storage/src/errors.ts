import type { Digest } from "./model/digest-text.js";

/** Why a string is not a digest. */
export type DigestProblem = "format" | "algorithm" | "length";

/**
 * What keeps a storage from doing what it is asked to until the operator of the registry does something about it, or the
 * client chooses a shorter name.
 */
export type StorageObstacle = "full" | "quota" | "read-only" | "denied" | "name-too-long";

/**
 * Everything that storage refuses or fails at, one shape per kind. The HTTP side switches over `code` exhaustively, so a new
 * kind is a compile error until it has a place on the wire.
 */
export type StorageFault =
  | { readonly code: "PATH_NOT_FOUND"; readonly driver: string; readonly path: string }
  | { readonly code: "INVALID_PATH"; readonly driver: string; readonly path: string }
  | { readonly code: "INVALID_OFFSET"; readonly driver: string; readonly path: string; readonly offset: number }
  | {
      readonly code: "DRIVER_ERROR";
      readonly driver: string;
      readonly operation: string;
      readonly path: string;
      /** Undefined if the storage gave no such reason. */
      readonly obstacle?: StorageObstacle | undefined;
    }
  /** The storage fails for all requests, even after retries; `retryAfter` in seconds. Says nothing about the path. */
  | { readonly code: "STORAGE_UNAVAILABLE"; readonly driver: string; readonly retryAfter: number }
  | { readonly code: "UNSUPPORTED"; readonly operation: string }
  | { readonly code: "DIGEST_INVALID"; readonly text: string; readonly problem: DigestProblem }
  | { readonly code: "DIGEST_MISMATCH"; readonly expected: Digest; readonly actual: Digest }
  | { readonly code: "NAME_INVALID"; readonly name: string; readonly reason: string }
  | { readonly code: "NAME_UNKNOWN"; readonly name: string }
  | { readonly code: "TAG_INVALID"; readonly tag: string }
  | { readonly code: "TAG_UNKNOWN"; readonly name: string; readonly tag: string }
  /** Other requests keep changing the tag, or deleting the manifest, at the same time. A retry makes sense. */
  | { readonly code: "TAG_CONTENDED"; readonly name: string; readonly tag: string }
  /** A policy keeps the tag as it is: `rule` is the name of its rule, `digest` where the tag points. */
  | {
      readonly code: "TAG_IMMUTABLE";
      readonly name: string;
      readonly tag: string;
      readonly digest: Digest;
      readonly rule: string;
      /** What was asked for: to move the tag, or to delete it, the manifest it points to, or its repository. */
      readonly wanted: "move" | "delete" | "delete-manifest" | "delete-repository";
    }
  | { readonly code: "MANIFEST_CONTENDED"; readonly name: string; readonly digest: Digest }
  | { readonly code: "BLOB_UNKNOWN"; readonly digest: Digest }
  | { readonly code: "UPLOAD_UNKNOWN"; readonly uuid: string }
  | { readonly code: "UPLOAD_OFFSET_INVALID"; readonly uuid: string; readonly offset: number; readonly size: number }
  | { readonly code: "UPLOAD_TAKEN_OVER"; readonly uuid: string }
  | { readonly code: "UPLOAD_SIZE_INVALID"; readonly uuid: string; readonly expected: number; readonly actual: number }
  | { readonly code: "TOO_MANY_UPLOADS"; readonly limit: number }
  | { readonly code: "MANIFEST_UNKNOWN"; readonly name: string; readonly digest: Digest }
  | { readonly code: "MANIFEST_INVALID"; readonly reason: string }
  | { readonly code: "MANIFEST_REFERENCES_UNKNOWN"; readonly digests: readonly Digest[] }
  | { readonly code: "MANIFEST_CLASS_DENIED"; readonly reason: string };

/** The kind of a {@link StorageFault}. */
export type StorageErrorCode = StorageFault["code"];

/** The one error that this package throws on purpose. `message` is safe to show; `cause` is for the log. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly fault: StorageFault;

  constructor(fault: StorageFault, options?: { cause?: unknown }) {
    super(describe(fault), options);
    this.fault = fault;
  }

  get code(): StorageErrorCode {
    return this.fault.code;
  }
}

/** Whether `error` is a {@link StorageError}, of the kind `code` where one is given. */
export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && (code === undefined || error.code === code);
}

const OBSTACLES: Record<StorageObstacle, string> = {
  full: "the storage is full; the registry's operator has to make room, of bytes or of inodes",
  quota: "the storage's quota is used up; the registry's operator has to raise it or make room",
  "read-only": "the storage is read-only; the registry's operator has to make it writable",
  "name-too-long":
    "the storage's file system takes no path that long; use a shorter repository or tag, or a shorter rootdirectory",
  denied: "the storage denies access; the registry's operator has to grant it to the registry's user or keys",
};

const DIGEST_PROBLEMS: Record<DigestProblem, string> = {
  format: "invalid checksum digest format",
  algorithm: "unsupported digest algorithm",
  length: "invalid checksum digest length",
};

/** Messages match Distribution's where clients or scripts see them (wire contract §1.6–§1.8, §2). */
function describe(fault: StorageFault): string {
  switch (fault.code) {
    case "PATH_NOT_FOUND":
      return `${fault.driver}: Path not found: ${fault.path}`;
    case "INVALID_PATH":
      return `${fault.driver}: invalid path: ${fault.path}`;
    case "INVALID_OFFSET":
      return `${fault.driver}: invalid offset: ${fault.offset} for path: ${fault.path}`;
    case "DRIVER_ERROR":
      return `${fault.driver}: ${fault.operation} failed${fault.obstacle === undefined ? "" : `: ${OBSTACLES[fault.obstacle]}`}`;
    case "STORAGE_UNAVAILABLE":
      return `${fault.driver}: the storage doesn't answer at the moment; try again in ${fault.retryAfter} s`;
    case "UNSUPPORTED":
      return "operation unsupported";
    default:
      return describeContent(fault);
  }
}

type DriverFaultCode =
  "PATH_NOT_FOUND" | "INVALID_PATH" | "INVALID_OFFSET" | "DRIVER_ERROR" | "STORAGE_UNAVAILABLE" | "UNSUPPORTED";

/** Describes faults of names and contents rather than of a driver's paths. */
function describeContent(fault: Exclude<StorageFault, { readonly code: DriverFaultCode }>): string {
  switch (fault.code) {
    case "DIGEST_INVALID":
      return DIGEST_PROBLEMS[fault.problem];
    case "DIGEST_MISMATCH":
      return `invalid digest for referenced layer: ${fault.expected}, content does not match digest`;
    case "NAME_INVALID":
      return `repository name "${fault.name}" invalid: ${fault.reason}`;
    case "NAME_UNKNOWN":
      return `unknown repository name=${fault.name}`;
    case "TAG_INVALID":
      return `invalid tag "${fault.tag}"`;
    case "TAG_UNKNOWN":
      return `unknown tag=${fault.tag}`;
    case "TAG_CONTENDED":
      return `the tag ${fault.tag} of ${fault.name} is being changed by others at the same time; try again`;
    case "TAG_IMMUTABLE":
      return describeImmutable(fault);
    case "MANIFEST_CONTENDED":
      return `manifest ${fault.digest} of ${fault.name} is being deleted while it is pushed; try again`;
    case "BLOB_UNKNOWN":
      return `unknown blob ${fault.digest}`;
    case "UPLOAD_UNKNOWN":
      return "blob upload unknown";
    case "UPLOAD_OFFSET_INVALID":
      return `upload is at offset ${fault.size}, not ${fault.offset}`;
    case "UPLOAD_TAKEN_OVER":
      return "another request has taken over this upload";
    case "UPLOAD_SIZE_INVALID":
      return `received ${fault.actual} bytes where ${fault.expected} were announced`;
    case "TOO_MANY_UPLOADS":
      return `the limit of ${fault.limit} unfinished uploads is reached; finish or cancel some, or raise http.limits.uploads`;
    case "MANIFEST_UNKNOWN":
      return `unknown manifest name=${fault.name} revision=${fault.digest}`;
    case "MANIFEST_INVALID":
      return fault.reason;
    case "MANIFEST_REFERENCES_UNKNOWN":
      return `references unknown to the repository: ${fault.digests.join(", ")}`;
    case "MANIFEST_CLASS_DENIED":
      return fault.reason;
  }
}

const IMMUTABLE: Record<Extract<StorageFault, { readonly code: "TAG_IMMUTABLE" }>["wanted"], string> = {
  move: "and can't be moved; push under another tag",
  delete: "and can't be deleted",
  "delete-manifest": "and neither can be deleted",
  "delete-repository": "and the repository can't be deleted",
};

function describeImmutable(fault: Extract<StorageFault, { readonly code: "TAG_IMMUTABLE" }>): string {
  const { name, tag, rule, digest, wanted } = fault;
  return `the tag ${tag} of ${name} is immutable by the rule "${rule}": it points to ${digest} ${IMMUTABLE[wanted]}`;
}
