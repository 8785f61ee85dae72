import type { Resources } from "@longshore/base/resources";
import { createRemovalAudit, type AuditedRemoval } from "../audit/audit.js";
import { openAuditFile } from "../audit/open-audit.js";
import type { Config } from "../config/config.js";
import { silentLog } from "../observability/log.js";

/**
 * Records what a command removes in the audit log; undefined if that isn't a file: a service's streams are those of that service alone.
 * Throws if it can't be opened.
 */
export function openRemovalAudit(
  { log }: Config,
  {
    agent,
    opened,
    warn,
  }: { readonly agent: string; readonly opened: Resources; readonly warn: (text: string) => void },
): ((removal: AuditedRemoval) => void) | undefined {
  const target = log.audit?.target;
  if (target === undefined || target === "stdout" || target === "stderr") return undefined;
  const file = opened.add(openAuditFile(target, { ...silentLog, warn, error: warn }));
  const note = createRemovalAudit((line) => file.write(line), agent);
  return (removal) => note(removal, Date.now());
}
