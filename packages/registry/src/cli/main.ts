import cluster from "node:cluster";
import process from "node:process";
import { formatFinding } from "../config/findings.js";
import { run, type Serve } from "./run.js";
import { type Terminal } from "./terminal.js";
import { readVersion } from "./version.js";

const terminal: Terminal = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

// A reader that went away (`registry help | head -1`) is no reason for a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const serve: Serve = async (config, source, warnings) => {
  // The other commands need none of the server.
  const { runRegistry } = await import("../server/run.js");
  return runRegistry(config, { version: readVersion(), source, warnings: warnings.map(formatFinding) });
};

try {
  if (cluster.isWorker) {
    const { runWorker } = await import("../server/worker.js");
    // Whatever still holds the process (the channel to its primary) has nothing to say any more.
    process.exit(await runWorker(readVersion()));
  }
  process.exitCode = await run(process.argv.slice(2), terminal, async (...parts) =>
    process.exit(await serve(...parts)),
  );
} catch (cause) {
  terminal.err(`registry: ${cause instanceof Error ? cause.message : "unknown failure"}\n`);
  process.exitCode = 1;
}
