import type { ErrorCode } from "./codes.js";

/** How an {@link ApiError} differs from its code's defaults. */
export interface ApiErrorOptions {
  /** Sent to the client as `detail`; omitted if undefined. */
  readonly detail?: unknown;
  /** Instead of the code's own message. */
  readonly message?: string;
  /** Instead of the code's own status. */
  readonly status?: number;
  /** Extra headers of the response. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log. */
  readonly cause?: unknown;
}

/** A refusal by the HTTP layer itself: a bad header, a bad parameter, a disabled feature. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly options: ApiErrorOptions;

  constructor(code: ErrorCode, options: ApiErrorOptions = {}) {
    super(options.message ?? code, { cause: options.cause });
    this.code = code;
    this.options = options;
  }
}

/** The client disconnected before its response was complete. Nothing more can be sent; this is for the log. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";

  constructor() {
    super("client disconnected");
  }
}

/** The client stopped sending in the middle of a body, or sent it too slowly. */
export class BodyTimeout extends Error {
  override readonly name = "BodyTimeout";
  readonly milliseconds: number;

  constructor(milliseconds: number, kind: "idle" | "whole" = "idle") {
    const what = kind === "idle" ? "no byte of the body arrived for" : "the body did not arrive completely within";
    super(`${what} ${milliseconds} ms`);
    this.milliseconds = milliseconds;
  }
}
