import type { AccessOutcome, AccessRecord, RequestRecord } from "../observability/request-record.js";

/** The action that was performed or attempted. */
type AuditAction =
  | "login"
  | "logout"
  | "token"
  | "tokens"
  | "pull"
  | "push"
  | "delete"
  | "mount"
  | "cancel"
  | "list"
  | "copy"
  | "move"
  | "maintenance";

/** One line of the audit log: who did what to what, from where, and whether it was allowed. Never a password or a token. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly outcome: AccessOutcome;
  /** Empty for anonymous; undefined without access control. */
  readonly account: string | undefined;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** The repository that a blob was mounted from. */
  readonly from: string | undefined;
  /** The scopes of an issued token. */
  readonly granted: readonly string[] | undefined;
  /** What a token was asked for. */
  readonly asked: readonly string[] | undefined;
  /** How the client of the token endpoint said who it is. */
  readonly login: string | undefined;
  /** The personal access token that was created, shown or revoked. */
  readonly token: string | undefined;
  /** The source of identities that vouched for the account or refused it, and the rules that decided on each resource. */
  readonly source: string | undefined;
  readonly rules: readonly string[] | undefined;
}

/** What is known about a completed exchange. */
export interface AuditedExchange {
  readonly record: RequestRecord;
  readonly method: string;
  /** Including the query. */
  readonly target: string;
  readonly status: number;
  /** `Docker-Content-Digest` of the response. */
  readonly contentDigest: string | undefined;
}

/** Actions that have a source. */
const FROM: readonly AuditAction[] = ["mount", "copy", "move"];

const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Classifies an exchange for the audit; undefined for one that isn't recorded: an intermediate step (starting an upload,
 * sending a part of it), or a client that fetches the challenge, as each does before it logs in.
 */
export function auditEvent(exchange: AuditedExchange): AuditEvent | undefined {
  const { record, method } = exchange;
  const { access, handler } = record;
  if (access === undefined || handler === undefined || method === "OPTIONS") return undefined;
  const action = actionOf(exchange, handler);
  if (action === undefined) return undefined;
  if (handler === "base" && (access.outcome === "challenged" || !access.account)) return undefined;
  // The upload that takes its place goes on, and is recorded when it is complete.
  if (access.mountRefused === true) return describe(exchange, access, { action: "mount", outcome: "denied" });
  // The steps of an upload are recorded only if they were refused.
  if (access.outcome === "allowed" && isStep(exchange, handler)) return undefined;
  return describe(exchange, access, { action, outcome: access.outcome });
}

function describe(
  exchange: AuditedExchange,
  access: AccessRecord,
  { action, outcome }: Pick<AuditEvent, "action" | "outcome">,
): AuditEvent {
  const { record, status, target, contentDigest } = exchange;
  const { digest, tag } = namesOf(exchange);
  return {
    action,
    outcome,
    account: access.account,
    repository: record.name,
    tag,
    digest: digest ?? (status < 400 ? contentDigest : undefined),
    from: FROM.includes(action) ? parameter(target, "from") : undefined,
    granted: access.granted,
    asked: access.asked ?? record.question?.asked,
    login: record.question?.login,
    token: access.token,
    source: access.source,
    rules: access.rules,
  };
}

function actionOf(exchange: AuditedExchange, handler: string): AuditAction | undefined {
  const { record, method, target, status } = exchange;
  const isReading = READING.has(method);
  switch (handler) {
    case "base":
      return "login";
    case "token":
    case "auth_page":
    case "console_session":
      return record.question?.action;
    case "catalog":
    case "tags":
    case "referrers":
      return "list";
    case "manifest":
    case "blob":
      return isReading ? "pull" : method === "DELETE" ? "delete" : "push";
    case "blob_upload":
      // A blob that couldn't be mounted is uploaded, and is a push once that is complete.
      return parameter(target, "mount") !== undefined && status !== 202 ? "mount" : "push";
    case "blob_upload_chunk":
      return method === "DELETE" ? "cancel" : "push";
    default:
      return EXTENSION_ACTIONS[handler]?.[method === "HEAD" ? "GET" : method];
  }
}

/** What the operations of the extension API are, by their routes and methods. */
const EXTENSION_ACTIONS: Readonly<Record<string, Readonly<Record<string, AuditAction>>>> = {
  longshore_repository_images: { GET: "list" },
  longshore_repository_files: { GET: "list" },
  longshore_maintenance_configuration: { GET: "list" },
  longshore_maintenance_status: { GET: "list" },
  longshore_repository_usage: { GET: "list" },
  longshore_repository_referrers: { GET: "list" },
  longshore_repository_contents: { DELETE: "delete" },
  longshore_repository_copies: { POST: "copy" },
  longshore_repository_moves: { POST: "move" },
  longshore_catalog_repositories: { GET: "list" },
  longshore_catalog_activity: { GET: "list" },
  longshore_repository_tags: { GET: "list", DELETE: "delete" },
  longshore_maintenance_runs: { POST: "maintenance" },
};

function isStep({ method, status }: AuditedExchange, handler: string): boolean {
  if (handler === "blob_upload") return status === 202;
  if (handler !== "blob_upload_chunk") return false;
  return READING.has(method) || method === "PATCH" || (method === "POST" && status === 202);
}

/** The tag and the digest in a manifest's reference or a query. */
function namesOf({ record, target }: AuditedExchange): { digest: string | undefined; tag: string | undefined } {
  const { reference, digest } = record;
  if (reference !== undefined) {
    return reference.includes(":") ? { digest: reference, tag: undefined } : { digest: undefined, tag: reference };
  }
  // A pattern of tags, where several are deleted at once.
  const tag = parameter(target, "match");
  return { digest: digest ?? parameter(target, "digest") ?? parameter(target, "mount"), tag };
}

function parameter(target: string, name: string): string | undefined {
  const start = target.indexOf("?");
  if (start < 0) return undefined;
  const value = new URLSearchParams(target.slice(start + 1)).get(name);
  return value === null || value === "" ? undefined : value;
}
