import { resolve } from "node:path";
import { formatFinding } from "../../config/findings.js";
import { loadSource } from "../../config/source.js";
import type { Invocation } from "../command.js";
import { printErrors } from "../configuration.js";

/** Runs the token server alone, by a configuration of docker_auth. */
export async function serveTokens({
  configuration: { path, text },
  values,
  terminal,
  serve,
}: Invocation): Promise<number> {
  const dockerAuth = { state: values.get("state"), folder: process.cwd() };
  // Absolute: it is read again later.
  const source = { path: resolve(path), text, dockerAuth };
  const loaded = await loadSource(source, terminal.environment);
  if (loaded.config === undefined) {
    for (const finding of loaded.warnings) terminal.err(`warning: ${formatFinding(finding)}\n`);
    printErrors(loaded.errors, terminal);
    return 1;
  }
  return serve(loaded.config, source, loaded.warnings);
}
