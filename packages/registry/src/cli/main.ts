import cluster from "node:cluster";
import process from "node:process";
import { hasErrno } from "@longshore/base/errno";
import type { Serve } from "./command.js";
import { run } from "./run.js";
import type { Terminal } from "./terminal.js";
import { readVersion } from "./version.js";

const terminal: Terminal = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

// A closed pipe (`registry help | head -1`) should not print a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const serve: Serve = async (config, source, warnings) => {
  // Loaded here because the other commands need none of the server.
  const { runRegistry } = await import("../run.js");
  const { formatFinding } = await import("../config/findings.js");
  return runRegistry(config, { version: readVersion(), source, warnings: warnings.map(formatFinding) });
};

try {
  if (cluster.isWorker) {
    const { runWorker } = await import("../run-worker.js");
    // The channel to the primary would keep the process alive, but has nothing left to carry.
    process.exit(await runWorker(readVersion()));
  }
  process.exitCode = await run(process.argv.slice(2), terminal, async (...parts) =>
    process.exit(await serve(...parts)),
  );
} catch (cause) {
  // Where too few files may be open, what is loaded on demand fails here; bin/registry.js says so. Node reports some of the
  // files that it can't open as missing modules.
  if (hasErrno(cause, "EMFILE", "ENFILE", "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND")) throw cause;
  terminal.err(`registry: ${cause instanceof Error ? cause.message : "unknown failure"}\n`);
  process.exitCode = 1;
}
