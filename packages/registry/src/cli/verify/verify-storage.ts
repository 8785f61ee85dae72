import type { VerifyRequest } from "@longshore/options/kind";
import type { Config } from "../../config/config.js";
import { error, type Finding, warning } from "../../config/findings.js";

/** What the storage driver finds when it tries out its options. Warnings don't matter while the registry is read-only. */
export async function verifyStorage({ storage }: Config, request: VerifyRequest): Promise<Finding[]> {
  const remarks = await storage.driver.verify(request);
  const isReadOnly = storage.maintenance.readonly.enabled;
  return remarks
    .filter(({ severity }) => severity === "error" || !isReadOnly || storage.driver.directory === undefined)
    .map(({ severity, path, message }) => finding(severity)(["storage", storage.type, ...path], undefined, message));
}

/** What the storage middleware finds, for those that have an effect on this storage. */
export async function verifyMiddleware({ middleware, storage }: Config, request: VerifyRequest): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { index, middleware: each } of middleware.storage) {
    if (each.worksWith?.includes(storage.driver.kind) === false) continue;
    const place = ["middleware", "storage", index, "options"];
    for (const { severity, path, message } of await each.verify(request)) {
      findings.push(finding(severity)([...place, ...path], undefined, message));
    }
  }
  return findings;
}

function finding(severity: Finding["severity"]) {
  return severity === "error" ? error : warning;
}
