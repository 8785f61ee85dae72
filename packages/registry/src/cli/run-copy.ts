import type { CopyObserver, CopyResult } from "@longshore/mirror";
import type { Config } from "../config/config.js";
import { createCopyDisplay } from "../copying/progress.js";
import { describeCopy } from "../copying/summary.js";
import { silentLog, type Log } from "../observability/log.js";
import { onStopSignals } from "../server/processes/signals.js";
import type { Invocation } from "./command.js";
import { printErrors } from "./configuration.js";
import { UsageError } from "./flags.js";

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
  const display = createCopyDisplay(
    (text) => terminal.err(text),
    terminal.isTerminal === true,
    () => performance.now() - began,
  );
  const tell = (text: string): void => {
    display.clear();
    terminal.err(`${text}\n`);
  };
  const quiet = flags.has("quiet");
  const observer: CopyObserver = {
    failed: (what, error) => tell(`failed: ${what}: ${messageOf(error)}`),
    waiting: (seconds, reason) => tell(`waiting ${seconds} s: ${reason}`),
    progress: (state) => {
      if (!quiet) display.update(state);
    },
    copied: (source, target) => {
      if (quiet) return;
      display.clear();
      terminal.out(`${source} -> ${target}\n`);
    },
  };
  try {
    const result = await copy(config, { signal: stop.signal, observer, log: { ...silentLog, warn: tell } });
    if (!quiet) tell(describeCopy(result, flags.has("dry-run")));
    return result.failed > 0 ? 1 : 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    tell(`failed to copy: ${messageOf(error)}`);
    return stop.signal.aborted ? INTERRUPTED : 1;
  } finally {
    display.clear();
    forget();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown failure";
}
