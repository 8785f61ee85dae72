import { resolve } from "node:path";
import { formatFinding } from "../../config/findings.js";
import { loadSource } from "../../config/source.js";
import type { Command } from "../command.js";
import { printErrors } from "../configuration.js";

/** Runs the token server alone, by a configuration of docker_auth. */
export const tokenServer: Command = {
  name: "token-server",
  operands: [],
  summary: "`token-server` issues tokens from a configuration of docker_auth",
  details:
    "Reads auth_config.yml as docker_auth does, and again when it changes. What can't be taken over is refused by name, and so is an unknown key, which docker_auth ignores.",
  flags: [
    {
      name: "state",
      value: "folder",
      meaning: "where refresh tokens' key, revocations and the tokens of people are kept (default: in memory)",
    },
  ],
  async run({ configuration: { path, text }, values, terminal, serve }) {
    const dockerAuth = { state: values.get("state"), folder: process.cwd() };
    // Absolute: it is read again later.
    const source = { path: resolve(path), text, dockerAuth };
    const loaded = loadSource(source, terminal.environment);
    if (loaded.config === undefined) {
      for (const finding of loaded.warnings) terminal.err(`warning: ${formatFinding(finding)}\n`);
      printErrors(loaded.errors, terminal);
      return 1;
    }
    return serve(loaded.config, source, loaded.warnings);
  },
};
