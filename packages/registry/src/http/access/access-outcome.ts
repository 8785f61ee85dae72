import type { IncomingMessage } from "node:http";
import type { AuthError } from "@longshore/auth";
import { recordOf, type AccessOutcome, type AccessRecord } from "../../observability/request-record.js";
import type { SharedState } from "../exchange.js";
import type { RefusedLogins } from "./refused-logins.js";

const REFUSALS: Readonly<Record<"missing" | "rejected" | "insufficient", AccessOutcome>> = {
  missing: "challenged",
  rejected: "failed-login",
  insufficient: "denied",
};

/** The access record of a refusal. */
function accessOf({ fault }: AuthError): AccessRecord {
  switch (fault.code) {
    case "UNAUTHENTICATED":
      return { outcome: REFUSALS[fault.refusal ?? "missing"], account: fault.account, source: fault.source };
    case "DENIED":
      return { outcome: "denied", account: fault.account, ...fault.decided };
    case "THROTTLED":
      return { outcome: "throttled", account: fault.account };
    case "INVALID_REQUEST":
    case "GRANT_REFUSED":
      return { outcome: "denied", account: undefined };
    case "UNAVAILABLE":
    case "INVALID_OPTIONS":
      return { outcome: "unavailable", account: undefined };
  }
}

/** The observers of refusals. */
type Told = Pick<SharedState, "onAccess" | "log"> & { readonly refusedLogins: RefusedLogins };

/**
 * Reports a refusal to the audit, the metrics and the log. Failed logins are logged at level info with Distribution's
 * message: a person need only look when there are many.
 */
export function noteRefusal({ onAccess, log, refusedLogins }: Told, request: IncomingMessage, error: AuthError): void {
  const refused = accessOf(error);
  onAccess?.(refused.outcome);
  const record = recordOf(request);
  if (record !== undefined) record.access = refused;
  if (refused.outcome !== "failed-login" && refused.outcome !== "throttled") return;
  refusedLogins.note({ account: refused.account, address: record?.client, reason: error.message });
  log.info(`error authorizing context: ${error.message}`, {
    ...(record === undefined ? {} : { "http.request.id": record.id }),
    ...(refused.account === undefined ? {} : { "auth.user.name": refused.account }),
    ...(error.fault.code === "UNAUTHENTICATED" ? error.fault.details : {}),
  });
}
