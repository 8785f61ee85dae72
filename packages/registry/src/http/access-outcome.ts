import type { IncomingMessage } from "node:http";
import type { AuthError } from "@longshore/auth";
import { recordOf, type AccessOutcome, type AccessRecord } from "../observability/request-record.js";
import type { Api } from "./exchange.js";

const REFUSALS: Readonly<Record<"missing" | "rejected" | "insufficient", AccessOutcome>> = {
  missing: "challenged",
  rejected: "failed-login",
  insufficient: "denied",
};

/** What a refusal says of who asked. */
function accessOf({ fault }: AuthError): AccessRecord {
  switch (fault.code) {
    case "UNAUTHENTICATED":
      return { outcome: REFUSALS[fault.refusal ?? "missing"], account: fault.account };
    case "DENIED":
      return { outcome: "denied", account: fault.account };
    case "THROTTLED":
      return { outcome: "throttled", account: fault.account };
    case "INVALID_REQUEST":
      return { outcome: "denied", account: undefined };
    case "UNAVAILABLE":
    case "INVALID_OPTIONS":
      return { outcome: "unavailable", account: undefined };
  }
}

/** Tells the audit, the metrics and the log of a refusal. The log has failed logins under the original's words. */
export function noteRefusal({ onAccess, log }: Api, request: IncomingMessage, error: AuthError): void {
  const refused = accessOf(error);
  onAccess?.(refused.outcome);
  const record = recordOf(request);
  if (record !== undefined) record.access = refused;
  if (refused.outcome !== "failed-login" && refused.outcome !== "throttled") return;
  log.warn(`error authorizing context: ${error.message}`, {
    ...(record === undefined ? {} : { "http.request.id": record.id }),
    ...(refused.account === undefined ? {} : { "auth.user.name": refused.account }),
  });
}
