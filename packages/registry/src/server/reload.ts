import type { AuditLog } from "../audit/open-audit.js";
import type { ComposedRegistry } from "../compose.js";
import { errorFields, type Log } from "../observability/log.js";
import type { Serving } from "./serving.js";

/** What can read its files again while it works. */
export interface Reloadable {
  readonly registry: ComposedRegistry;
  readonly serving: Serving;
  readonly audit: AuditLog | undefined;
  readonly log: Log;
}

/**
 * Reads certificate, password file and keys again and opens the audit file anew, dropping nothing. What is bad is logged
 * and what was in use stays. Never rejects.
 */
export async function reload({ registry, serving, audit, log }: Reloadable): Promise<void> {
  log.info("reading certificates, password file, keys and rotated logs again");
  audit?.reopen();
  await Promise.all([
    serving.reload(),
    registry.reload().catch((error: unknown) => {
      log.error("auth: the new files can't be used; what was read before stays", errorFields(error));
    }),
  ]);
}

/** Calls `listener` on each SIGHUP, which ends a process that doesn't listen. Returns what removes it. */
export function onReloadSignal(listener: () => void): () => void {
  process.on("SIGHUP", listener);
  return () => process.removeListener("SIGHUP", listener);
}
