import type { Config } from "../../config/config.js";
import { formatFinding, type Finding, sortFindings } from "../../config/findings.js";
import type { Invocation } from "../command.js";
import type { ExitCode } from "../terminal.js";
import { verifyAuth } from "../verify/verify-auth.js";
import { checkFiles } from "../verify/verify-files.js";
import { verifyHealth } from "../verify/verify-health.js";
import { verifyCache } from "../verify/verify-cache.js";
import { verifyMiddleware, verifyStorage } from "../verify/verify-storage.js";

/** How long a service may take to answer (ms). */
const PATIENCE = 10_000;

/** Explains every finding on standard output. Exits with 1 if the registry would not start, otherwise with 0. */
export async function verifyConfiguration({
  configuration: { path, loaded },
  terminal,
}: Invocation): Promise<ExitCode> {
  const { config } = loaded;
  const outside = config ? await checkOutside(config) : [];
  const placed = outside.map((finding) => ({ ...finding, source: loaded.config && loaded.sourceOf(finding.path) }));
  const findings = sortFindings([...loaded.errors, ...loaded.warnings, ...placed]);
  for (const finding of findings) terminal.out(`${label(finding)} ${formatFinding(finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const counts = `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
  const verdict = errors > 0 ? "the registry would not start" : "the registry would start";
  terminal.out(`${path}: ${counts}: ${verdict}\n`);
  return errors > 0 ? 1 : 0;
}

/** Checks everything outside of the configuration that it names. */
async function checkOutside(config: Config): Promise<Finding[]> {
  const request = { remote: true, patience: PATIENCE, now: new Date() };
  return [
    ...(await checkFiles(config, request.now)),
    ...(await verifyAuth(config, request)),
    ...(await verifyMiddleware(config, request)),
    ...(await verifyStorage(config, request)),
    ...(await verifyCache(config, request)),
    ...(await verifyHealth(config, request)),
  ];
}

function label({ severity }: Finding): string {
  return severity === "error" ? "error:  " : "warning:";
}

function count(number: number, what: string): string {
  return `${number === 0 ? "no" : number} ${what}${number === 1 ? "" : "s"}`;
}
