import type { AccessOutcome, RequestRecord } from "../observability/request-record.js";

/** What somebody did, or tried to do. */
type AuditAction = "login" | "token" | "pull" | "push" | "delete" | "mount" | "cancel" | "list";

/** One line of the audit log: who did what to what, from where, and whether they might. Never a password or a token. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly outcome: AccessOutcome;
  /** Empty for anonymous; undefined where nobody asks who it is. */
  readonly account: string | undefined;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** The repository that a mounted blob came from. */
  readonly from: string | undefined;
  /** What a token was issued for. */
  readonly granted: readonly string[] | undefined;
}

/** What is known of an exchange when it is over. */
export interface AuditedExchange {
  readonly record: RequestRecord;
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly status: number;
  /** `Docker-Content-Digest` of the answer. */
  readonly contentDigest: string | undefined;
}

const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * What an exchange was, for the audit; undefined for one that says nothing: a step on the way (opening an upload, sending a
 * part of it), or a client that asked for the challenge, as each does before it logs in.
 */
export function auditEvent(exchange: AuditedExchange): AuditEvent | undefined {
  const { record, method, status } = exchange;
  const { access, handler } = record;
  if (access === undefined || handler === undefined || method === "OPTIONS") return undefined;
  const action = actionOf(exchange, handler);
  if (action === undefined) return undefined;
  if (action === "login" && (access.outcome === "challenged" || !access.account)) return undefined;
  const isDone = status < 400;
  // The steps of an upload are nobody's business unless they were refused.
  if (access.outcome === "allowed" && isStep(exchange, handler)) return undefined;
  const { digest, tag } = namesOf(exchange);
  return {
    action,
    outcome: access.outcome,
    account: access.account,
    repository: record.name,
    tag,
    digest: digest ?? (isDone ? exchange.contentDigest : undefined),
    from: action === "mount" ? parameter(exchange.target, "from") : undefined,
    granted: access.granted,
  };
}

function actionOf(exchange: AuditedExchange, handler: string): AuditAction | undefined {
  const { method, target, status } = exchange;
  const isReading = READING.has(method);
  switch (handler) {
    case "base":
      return "login";
    case "token":
      return "token";
    case "catalog":
    case "tags":
    case "referrers":
      return "list";
    case "manifest":
    case "blob":
      return isReading ? "pull" : method === "DELETE" ? "delete" : "push";
    case "blob_upload":
      // What could not be mounted is uploaded, and is a push when that is done.
      return parameter(target, "mount") !== undefined && status !== 202 ? "mount" : "push";
    case "blob_upload_chunk":
      return method === "DELETE" ? "cancel" : "push";
    default:
      return undefined;
  }
}

function isStep({ method, status }: AuditedExchange, handler: string): boolean {
  if (handler === "blob_upload") return status === 202;
  if (handler !== "blob_upload_chunk") return false;
  return READING.has(method) || method === "PATCH" || (method === "POST" && status === 202);
}

/** What a manifest's reference, or a query, says of the tag and the digest. */
function namesOf({ record, target }: AuditedExchange): { digest: string | undefined; tag: string | undefined } {
  const { reference, digest } = record;
  if (reference !== undefined) {
    return reference.includes(":") ? { digest: reference, tag: undefined } : { digest: undefined, tag: reference };
  }
  return { digest: digest ?? parameter(target, "digest") ?? parameter(target, "mount"), tag: undefined };
}

function parameter(target: string, name: string): string | undefined {
  const start = target.indexOf("?");
  if (start < 0) return undefined;
  const value = new URLSearchParams(target.slice(start + 1)).get(name);
  return value === null || value === "" ? undefined : value;
}
