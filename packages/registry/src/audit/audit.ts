import type { AccessOutcome } from "../observability/request-record.js";
import { auditEvent, type AuditedExchange, type AuditEvent } from "./event.js";

/** An exchange that is over, with what the audit log says of the client beside who it is. */
interface AuditEntry extends AuditedExchange {
  readonly remoteAddress: string | undefined;
  readonly userAgent: string | undefined;
}

/** Told of every exchange when it is over; writes down those that matter. */
export type Audit = (entry: AuditEntry, now: number) => void;

/** What a client can make a line hold, of each text that it chooses (characters). */
const TEXT_LIMIT = 512;
/** Scopes of a token that are named. */
const GRANTED_LIMIT = 50;

/** Whether it is left out where only changes and refusals are wanted. */
function isQuiet({ action, outcome }: AuditEvent): boolean {
  return outcome === ("allowed" satisfies AccessOutcome) && (action === "pull" || action === "list");
}

/** The audit log as JSON objects, each a line. `pulls`: also reads that were allowed. */
export function createAudit(write: (line: string) => void, { pulls }: { readonly pulls: boolean }): Audit {
  return (entry, now) => {
    const event = auditEvent(entry);
    if (event === undefined || (!pulls && isQuiet(event))) return;
    const { record, method, status, remoteAddress, userAgent } = entry;
    const line = {
      time: new Date(now).toISOString(),
      action: event.action,
      outcome: event.outcome,
      account: bounded(event.account),
      repository: bounded(event.repository),
      tag: bounded(event.tag),
      digest: bounded(event.digest),
      from: bounded(event.from),
      granted: event.granted?.slice(0, GRANTED_LIMIT).map((scope) => bounded(scope)),
      remote: remoteAddress,
      agent: bounded(userAgent),
      method,
      status,
      request: record.id,
    };
    write(`${JSON.stringify(line)}\n`);
  };
}

function bounded(text: string | undefined): string | undefined {
  return text !== undefined && text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}
