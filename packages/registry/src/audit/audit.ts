import type { AccessOutcome } from "../observability/request-record.js";
import { redactText } from "@longshore/base/redact";
import { auditEvent, type AuditedExchange, type AuditEvent } from "./event.js";

/** A completed exchange, with the client's properties for the audit log. */
export interface AuditEntry extends AuditedExchange {
  readonly remoteAddress: string | undefined;
  readonly userAgent: string | undefined;
}

/** Receives every completed exchange, and records those that matter. */
export type Audit = (entry: AuditEntry, now: number) => void;

/** The maximum length of each value chosen by the client (characters). */
const TEXT_LIMIT = 512;
/** The most scopes of a token that are listed. */
const GRANTED_LIMIT = 50;

/** Whether it is left out if only changes and refusals are recorded. */
function isQuiet({ action, outcome }: AuditEvent): boolean {
  return outcome === ("allowed" satisfies AccessOutcome) && (action === "pull" || action === "list");
}

/** The audit log as JSON, one object per line. `pulls` includes allowed reads. */
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
      asked: boundedList(event.asked),
      granted: boundedList(event.granted),
      login: bounded(event.login),
      token: event.token,
      source: bounded(event.source),
      rules: boundedList(event.rules),
      remote: remoteAddress,
      agent: bounded(userAgent),
      method,
      status,
      request: record.id,
    };
    write(`${JSON.stringify(line)}\n`);
  };
}

/** What the registry removed by itself. */
export interface AuditedRemoval {
  readonly repository: string;
  /** Undefined for a manifest. */
  readonly tag?: string | undefined;
  readonly digest: string;
  /** The rule that decided; undefined if none names it. */
  readonly rule?: string | undefined;
}

/** Records removals by the registry itself, as {@link createAudit} records those by clients. */
export function createRemovalAudit(write: (line: string) => void, agent: string) {
  return ({ repository, tag, digest, rule }: AuditedRemoval, now: number): void => {
    const rules = rule === undefined ? undefined : [rule];
    const outcome: AccessOutcome = "allowed";
    const time = new Date(now).toISOString();
    write(`${JSON.stringify({ time, action: "delete", outcome, repository, tag, digest, rules, agent })}\n`);
  };
}

function boundedList(texts: readonly string[] | undefined): readonly (string | undefined)[] | undefined {
  return texts?.slice(0, GRANTED_LIMIT).map((text) => bounded(text));
}

/** Without tokens, which people give as a user name by mistake. */
function bounded(text: string | undefined): string | undefined {
  const clean = text === undefined ? undefined : redactText(text);
  return clean !== undefined && clean.length > TEXT_LIMIT ? `${clean.slice(0, TEXT_LIMIT)}…` : clean;
}
