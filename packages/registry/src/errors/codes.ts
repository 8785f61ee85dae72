/** An error code on the wire: the status it sets when it is the first error, and its message (wire contract §2). */
interface CodeEntry {
  readonly status: number;
  readonly message: string;
}

/**
 * Every code of the error envelope: the OCI distribution specification's (§Error Codes) and those that Distribution added.
 * The messages are Distribution's because scripts compare them.
 */
export const ERROR_CODES = {
  UNKNOWN: { status: 500, message: "unknown error" },
  UNSUPPORTED: { status: 405, message: "The operation is unsupported." },
  UNAUTHORIZED: { status: 401, message: "authentication required" },
  DENIED: { status: 403, message: "requested access to the resource is denied" },
  UNAVAILABLE: { status: 503, message: "service unavailable" },
  TOOMANYREQUESTS: { status: 429, message: "too many requests" },
  DIGEST_INVALID: { status: 400, message: "provided digest did not match uploaded content" },
  SIZE_INVALID: { status: 400, message: "provided length did not match content length" },
  RANGE_INVALID: { status: 416, message: "invalid content range" },
  NAME_INVALID: { status: 400, message: "invalid repository name" },
  TAG_INVALID: { status: 400, message: "manifest tag did not match URI" },
  NAME_UNKNOWN: { status: 404, message: "repository name not known to registry" },
  MANIFEST_UNKNOWN: { status: 404, message: "manifest unknown" },
  MANIFEST_INVALID: { status: 400, message: "manifest invalid" },
  MANIFEST_BLOB_UNKNOWN: { status: 400, message: "blob unknown to registry" },
  BLOB_UNKNOWN: { status: 404, message: "blob unknown to registry" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: "blob upload unknown to registry" },
  BLOB_UPLOAD_INVALID: { status: 404, message: "blob upload invalid" },
  PAGINATION_NUMBER_INVALID: { status: 400, message: "invalid number of results requested" },
  // Ours, for the extension API alone: no client of the specification's endpoints ever sees it.
  PARAMETER_INVALID: { status: 400, message: "invalid query parameter" },
} as const satisfies Record<string, CodeEntry>;

/** A code of the error envelope. */
export type ErrorCode = keyof typeof ERROR_CODES;
