/** Why a request has no answer that can be used. */
export type FailureKind = "unreachable" | "login" | "forbidden" | "missing" | "unsupported" | "busy" | "unexpected";

/** A request that failed: what kind of failure, and the registry's own words. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly kind: FailureKind;
  /** 0 if nothing answered. */
  readonly status: number;
  readonly detail: string | undefined;

  constructor(kind: FailureKind, status: number, message: string, detail?: string) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.detail = detail;
  }
}

export function kindOf(status: number): FailureKind {
  if (status === 401) return "login";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  if (status === 405) return "unsupported";
  return status === 429 || status === 503 ? "busy" : "unexpected";
}
