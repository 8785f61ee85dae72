import type { ErrorCode } from "./codes.js";

/** How an {@link ApiError} differs from what its code says. */
export interface ApiErrorOptions {
  /** Shown to the client as `detail`; left out where undefined. */
  readonly detail?: unknown;
  /** Instead of the code's own message. */
  readonly message?: string;
  /** Instead of the code's own status. */
  readonly status?: number;
  /** Headers that belong to the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log. */
  readonly cause?: unknown;
}

/** A refusal that arises in HTTP itself: a bad header, a bad parameter, a feature that is switched off. */
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

/** The client went away before its answer: nobody reads what follows, and the log says so. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";

  constructor() {
    super("client disconnected");
  }
}

/** The client stopped sending in the middle of a body. */
export class BodyTimeout extends Error {
  override readonly name = "BodyTimeout";
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(`no byte of the body arrived for ${milliseconds} ms`);
    this.milliseconds = milliseconds;
  }
}
