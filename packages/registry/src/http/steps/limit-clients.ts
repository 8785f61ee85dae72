import type { ClientAction, ClientLimits, LimitedRequest, LimitVerdict, MetLimit } from "@longshore/policy";
import { ApiError } from "../../errors/api-error.js";
import { formatDuration } from "../../observability/duration.js";
import { recordOf } from "../../observability/request-record.js";
import type { MatchedStep } from "../context.js";
import type { Exchange } from "../exchange.js";
import type { ServedRoute } from "../served-route.js";

/**
 * Passes on requests that are within `policy.ratelimit`, counts them, and tells clients where they stand. Requests for tokens
 * aren't counted: failed logins have limits of their own. Throws TOOMANYREQUESTS.
 */
export function limitClients(limits: ClientLimits, onRefusal?: (rule: string) => void): MatchedStep {
  return (next) => (matched) => {
    const { route, exchange } = matched;
    if (route.accesses === "own") return next(matched);
    const verdict = limits.meet(requestOf(route, exchange));
    if (verdict === undefined) return next(matched);
    const goOn = (later: LimitVerdict): Promise<void> | undefined => {
      apply(exchange, later, onRefusal);
      return next(matched);
    };
    return verdict instanceof Promise ? verdict.then(goOn) : goOn(verdict);
  };
}

function requestOf(route: ServedRoute, { shared, request, grant, name }: Exchange): LimitedRequest {
  const method = request.method ?? "";
  const isManifest = route.name === "manifest" && (method === "GET" || method === "HEAD");
  return {
    account: grant.account ?? "",
    token: grant.token,
    address: shared.site.clients.of(request),
    repository: name,
    action: actionOf(route, method),
    ...(isManifest ? { manifest: method === "GET" ? "get" : "head" } : {}),
  };
}

function actionOf(route: ServedRoute, method: string): ClientAction {
  // Whatever is asked of an upload session belongs to a push, its end included.
  if (route.name.startsWith("blob-upload")) return "push";
  if (method === "GET" || method === "HEAD") return "pull";
  return method === "DELETE" ? "delete" : "push";
}

function apply(exchange: Exchange, { refusal, shown, ended }: LimitVerdict, onRefusal?: (rule: string) => void): void {
  if (refusal !== undefined) {
    onRefusal?.(refusal.rule.name);
    throw tooMany(refusal, exchange.grant.account ?? "");
  }
  if (shown !== undefined) exchange.note(Object.entries(standing(shown)).flat());
  const record = recordOf(exchange.request);
  if (record !== undefined && ended !== undefined) record.transferred = ended;
}

const WHAT = { requests: "requests", pulls: "pulls", bytes: "bytes" };

function tooMany(met: MetLimit, account: string): ApiError {
  const { rule, wait } = met;
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  const who = account === "" ? "clients that aren't logged in" : account;
  const message = `the limit "${rule.name}" is reached: ${rule.limit} ${WHAT[rule.count]} in ${shortDuration(rule.window)} for ${who}; try again in ${shortDuration(seconds * 1000)}`;
  return new ApiError("TOOMANYREQUESTS", {
    message,
    headers: { "Retry-After": String(seconds), ...(rule.headers ? standing(met) : {}) },
  });
}

/** `6h` for `6h0m0s`. */
function shortDuration(ms: number): string {
  return formatDuration(ms)
    .replace(/(?<=[hm])0s$/, "")
    .replace(/(?<=h)0m$/, "");
}

/** As Docker Hub has them: `100;w=21600` is 100 in six hours (draft-ietf-httpapi-ratelimit-headers-02). */
function standing({ rule, remaining }: MetLimit): Readonly<Record<string, string>> {
  const window = `;w=${Math.ceil(rule.window / 1000)}`;
  return { "RateLimit-Limit": `${rule.limit}${window}`, "RateLimit-Remaining": `${remaining}${window}` };
}
