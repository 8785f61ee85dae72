/**
 * Everything that an upstream, or the way to it, fails at. The cache decides by `code` whether what it has may be served
 * stale, and how long the answer is remembered.
 */
export type UpstreamFault =
  /** The upstream says that it isn't there. */
  | { readonly code: "NOT_FOUND"; readonly what: "manifest" | "blob" | "repository" }
  /** 401 after everything that we have was tried, or 403. */
  | { readonly code: "DENIED"; readonly reason: string }
  /** 429; `retryAfter` in seconds. Also thrown without asking while an earlier 429 holds. */
  | { readonly code: "RATE_LIMITED"; readonly retryAfter: number }
  /**
   * No answer, a broken one, or 5xx, after all retries; also thrown without asking while the circuit is open. `retryAfter` in
   * seconds: earlier attempts are refused here anyway.
   */
  | { readonly code: "UNAVAILABLE"; readonly reason: string; readonly retryAfter: number }
  /** What came is not what was asked for: a login page, a wrong digest or length, too many bytes. */
  | { readonly code: "INVALID_ANSWER"; readonly reason: string }
  /** We refuse to follow where the upstream leads: a token service, a redirect. The reason names the setting that allows it. */
  | { readonly code: "REFUSED"; readonly reason: string }
  /** The credential helper failed. */
  | { readonly code: "NO_CREDENTIALS"; readonly reason: string }
  /** The upstream doesn't have this part of the API, such as its catalog. */
  | { readonly code: "UNSUPPORTED"; readonly operation: string };

/** The kind of an {@link UpstreamFault}. */
export type UpstreamErrorCode = UpstreamFault["code"];

/**
 * The one error that talking to an upstream ends with, beside the reason of an aborted signal. `message` names the upstream and
 * is safe to show: it holds no credentials and no query of a URL. `cause` is for the log.
 */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** The host, and port if it isn't the scheme's, that the upstream is configured with. */
  readonly upstream: string;
  readonly fault: UpstreamFault;

  constructor(upstream: string, fault: UpstreamFault, options?: { cause?: unknown }) {
    super(`${upstream}: ${describe(fault)}`, options);
    this.upstream = upstream;
    this.fault = fault;
  }

  get code(): UpstreamErrorCode {
    return this.fault.code;
  }
}

/** Whether `error` is an {@link UpstreamError}, of the kind `code` where one is given. */
export function isUpstreamError(error: unknown, code?: UpstreamErrorCode): error is UpstreamError {
  return error instanceof UpstreamError && (code === undefined || error.code === code);
}

function describe(fault: UpstreamFault): string {
  switch (fault.code) {
    case "NOT_FOUND":
      return `the upstream doesn't have this ${fault.what}`;
    case "DENIED":
      return `the upstream denies access: ${fault.reason}`;
    case "RATE_LIMITED":
      return `the upstream's rate limit is reached; try again in ${fault.retryAfter} s`;
    case "UNAVAILABLE":
      return `the upstream can't be reached: ${fault.reason}; try again in ${fault.retryAfter} s`;
    case "INVALID_ANSWER":
      return `the upstream's answer can't be used: ${fault.reason}`;
    case "REFUSED":
      return fault.reason;
    case "NO_CREDENTIALS":
      return `no credentials for the upstream: ${fault.reason}`;
    case "UNSUPPORTED":
      return `the upstream doesn't support ${fault.operation}`;
  }
}
