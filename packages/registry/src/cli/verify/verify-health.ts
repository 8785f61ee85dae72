import type { VerifyRequest } from "@longshore/options/kind";
import type { Config } from "../../config/config.js";
import { error, type Finding, warning } from "../../config/findings.js";

/** What the health checks find when they try out their options. */
export async function verifyHealth({ health }: Config, request: VerifyRequest): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { path, check } of health.checks) {
    for (const remark of await check.verify(request)) {
      const finding = remark.severity === "error" ? error : warning;
      findings.push(finding([...path, ...remark.path], undefined, remark.message));
    }
  }
  return findings;
}
