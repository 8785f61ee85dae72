import process from "node:process";
import { formatFinding } from "../config/findings.js";
import { run } from "./run.js";
import { type Terminal } from "./terminal.js";
import { readVersion } from "./version.js";

const terminal: Terminal = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

// A reader that went away (`registry help | head -1`) is no reason for a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

try {
  process.exitCode = await run(process.argv.slice(2), terminal, async (config, warnings) => {
    // The other commands need none of the server.
    const { runRegistry } = await import("../server/run.js");
    const code = await runRegistry(config, { version: readVersion(), warnings: warnings.map(formatFinding) });
    // Whatever still holds the process (a worker's channel to its primary) has nothing to say any more.
    process.exit(code);
  });
} catch (cause) {
  terminal.err(`registry: ${cause instanceof Error ? cause.message : "unknown failure"}\n`);
  process.exitCode = 1;
}
