import { formatFinding, type Finding, sortFindings } from "../config/findings.js";
import { type ReadConfiguration } from "./configuration.js";
import { type ExitCode, type Terminal } from "./terminal.js";
import { checkBucket } from "./verify-bucket.js";
import { checkFiles } from "./verify-files.js";

/** Explains every finding on standard output: 1 when the registry wouldn't start, otherwise 0. */
export async function verify({ path, loaded }: ReadConfiguration, terminal: Terminal): Promise<ExitCode> {
  const { config } = loaded;
  const outside = config ? [...(await checkFiles(config, new Date())), ...(await checkBucket(config))] : [];
  const placed = outside.map((finding) => ({ ...finding, source: loaded.config && loaded.sourceOf(finding.path) }));
  const findings = sortFindings([...loaded.errors, ...loaded.warnings, ...placed]);
  for (const finding of findings) terminal.out(`${label(finding)} ${formatFinding(finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const counts = `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
  const verdict = errors > 0 ? "the registry would not start" : "the registry would start";
  terminal.out(`${path}: ${counts}: ${verdict}\n`);
  return errors > 0 ? 1 : 0;
}

function label({ severity }: Finding): string {
  return severity === "error" ? "error:  " : "warning:";
}

function count(number: number, what: string): string {
  return `${number === 0 ? "no" : number} ${what}${number === 1 ? "" : "s"}`;
}
