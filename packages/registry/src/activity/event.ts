import { redactText } from "@longshore/base/redact";
import { z } from "zod";
import type { AuditEntry } from "../audit/audit.js";
import { auditEvent } from "../audit/event.js";

const time = z.iso.datetime().meta({ description: "UTC, RFC 3339." });

/** What is shown of an event to who may see all of it. */
export const activityEventSchema = z.strictObject({
  kind: z.enum(["push", "pull", "delete", "copy", "login-refused"]),
  time,
  repository: z.string().optional().meta({ description: "Absent for refused logins." }),
  tag: z.string().optional(),
  digest: z.string().optional(),
  match: z.string().optional().meta({ description: "The pattern of tags that were deleted or copied." }),
  from: z.string().optional().meta({ description: "The repository that tags were copied or moved from." }),
  account: z
    .string()
    .optional()
    .meta({ description: "Who did it: for administrators, and of one's own. Of a refused login: as it was written." }),
  address: z.string().optional().meta({ description: "The client's address: for administrators, and of one's own." }),
  agent: z.string().optional().meta({ description: "The client, as it calls itself: likewise." }),
});

/** Something that happened. */
export type ActivityEvent = Readonly<z.infer<typeof activityEventSchema>>;

/** The most of a text that a client chose, beside names (characters). */
export const LONGEST = 256;

/** The actions of the audit log that are events, if they succeeded. */
const KINDS: Readonly<Record<string, "push" | "pull" | "delete" | "copy">> = {
  push: "push",
  pull: "pull",
  delete: "delete",
  copy: "copy",
  move: "copy",
};

/**
 * What viewers see of a completed exchange; undefined if nothing. An image is pushed and pulled once, with its manifest: what is sent
 * of its blobs before isn't an event. A HEAD and a 304 are no pulls, as for notifications.
 */
export function activityOf(entry: AuditEntry, now: number): ActivityEvent | undefined {
  const audited = auditEvent(entry);
  if (audited === undefined) return undefined;
  const { record, method, status, target, remoteAddress, userAgent } = entry;
  const who = {
    time: new Date(now).toISOString(),
    ...written("account", audited.account),
    ...cut("address", remoteAddress),
    ...written("agent", userAgent),
  };
  if (audited.outcome === "failed-login" || audited.outcome === "throttled") return { kind: "login-refused", ...who };
  const kind = KINDS[audited.action];
  if (kind === undefined || audited.outcome !== "allowed" || status >= 300 || method === "HEAD") return undefined;
  if (record.handler?.startsWith("blob") === true && kind !== "delete") return undefined;
  if (isDryRun(target)) return undefined;
  const isPattern = record.handler?.startsWith("longshore") === true;
  return {
    kind,
    ...who,
    ...text("repository", audited.repository),
    ...(isPattern ? cut("match", audited.tag) : text("tag", audited.tag)),
    ...text("digest", audited.digest),
    ...text("from", audited.from),
  };
}

/** As the operations read it. */
function isDryRun(target: string): boolean {
  const start = target.indexOf("?");
  return start !== -1 && new URLSearchParams(target.slice(start)).get("dryrun") === "true";
}

/** What a client wrote, without tokens, which people give as a user name by mistake. */
function written<K extends string>(key: K, value: string | undefined): Readonly<Partial<Record<K, string>>> {
  return cut(key, value === undefined ? undefined : redactText(value));
}

function cut<K extends string>(key: K, value: string | undefined): Readonly<Partial<Record<K, string>>> {
  return text(key, value?.slice(0, LONGEST));
}

/** Names as they are: rights are decided by them. */
function text<K extends string>(key: K, value: string | undefined): Readonly<Partial<Record<K, string>>>;
function text(key: string, value: string | undefined): object {
  return value === undefined || value === "" ? {} : { [key]: value };
}

/** Whoever looks at events. */
export interface Viewer {
  /** Undefined or empty: not logged in. */
  readonly account: string | undefined;
  /** Whether they may know who does what, and of logins that were refused. */
  readonly isAdministrator: boolean;
}

/**
 * What of `event` a viewer sees who may pull from its repository, and from `from` if `seesSource`. Others' names and addresses are for
 * administrators; so are refused logins.
 */
export function shownTo(
  { account, isAdministrator }: Viewer,
  event: ActivityEvent,
  seesSource: boolean,
): ActivityEvent | undefined {
  const { kind, time, repository, tag, digest, match, from, ...who } = event;
  if (kind === "login-refused") return isAdministrator ? event : undefined;
  const isOwn = account !== undefined && account !== "" && event.account === account;
  return {
    kind,
    time,
    ...text("repository", repository),
    ...text("tag", tag),
    ...text("digest", digest),
    ...text("match", match),
    ...(seesSource ? text("from", from) : {}),
    ...(isAdministrator || isOwn ? who : {}),
  };
}
