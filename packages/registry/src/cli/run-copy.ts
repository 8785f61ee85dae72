import type { CopyObserver, CopyProgress, CopyResult } from "@longshore/mirror";
import type { Config } from "../config/config.js";
import { describeCopy } from "../copying/summary.js";
import { silentLog, type Log } from "../observability/log.js";
import { onStopSignals } from "../server/processes/signals.js";
import { counted, formatBar, formatBytes } from "../wording.js";
import type { Invocation } from "./command.js";
import { printErrors } from "./configuration.js";
import { UsageError } from "./flags.js";
import { createStatus } from "./status.js";

/** The exit code by which shells know a command that ^C ended. */
const INTERRUPTED = 130;

/** What a copy gets of the command that runs it. */
export interface CopyContext {
  readonly signal: AbortSignal;
  readonly observer: CopyObserver;
  readonly log: Log;
}

/**
 * Runs a copy in front of a terminal. Each tag that was copied is a line on standard output; progress, failures and the summary go to standard
 * error. Resolves with 0 when everything is there, 1 if something failed, 130 if a signal ended it. Throws UsageError.
 */
export async function runCopyCommand(
  { configuration, terminal, flags }: Invocation,
  copy: (config: Config, context: CopyContext) => Promise<CopyResult>,
): Promise<number> {
  const { config, errors } = configuration.loaded;
  if (!config) {
    printErrors(errors, terminal);
    return 1;
  }
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error("interrupted; run it again to copy the rest"));
  const forget = onStopSignals(onSignal, (code) => process.exit(code));
  const began = performance.now();
  const quiet = flags.has("quiet");
  const status = createStatus(terminal, quiet, () => performance.now());
  const observer: CopyObserver = {
    failed: (what, error) => status.line(`failed: ${what}: ${messageOf(error)}`),
    waiting: (seconds, reason) => status.line(`waiting ${seconds} s: ${reason}`),
    progress: (state) => status.update(() => describe(state, (performance.now() - began) / 1000)),
    copied: (source, target) => {
      if (quiet) return;
      status.clear();
      terminal.out(`${source} -> ${target}\n`);
    },
  };
  try {
    const result = await copy(config, {
      signal: stop.signal,
      observer,
      log: { ...silentLog, warn: (text) => status.line(text) },
    });
    if (!quiet) status.line(describeCopy(result, flags.has("dry-run")));
    return result.failed > 0 ? 1 : 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    status.line(`failed to copy: ${messageOf(error)}`);
    return stop.signal.aborted ? INTERRUPTED : 1;
  } finally {
    status.clear();
    forget();
  }
}

function describe({ done, found, isComplete, blobs, bytes }: CopyProgress, seconds: number): string {
  const bar = isComplete ? `${formatBar(done, found)} ` : "";
  const of = `${done} of ${isComplete ? counted(found, "tag") : `${found} or more tags`}`;
  const rate = seconds > 0 ? `, ${formatBytes(Math.round(bytes / seconds))}/s` : "";
  return `copying ${bar}${of}, ${counted(blobs, "blob")}, ${formatBytes(bytes)}${rate}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown failure";
}
