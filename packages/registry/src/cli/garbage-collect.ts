import { CollectError, createDriver, type CollectResult } from "@longshore/storage";
import { openConfiguredCaches } from "../caches.js";
import { runCollection } from "../collection/collection.js";
import { createProgress, formatMebibytes } from "../collection/progress.js";
import type { Config } from "../config/config.js";
import { parseDuration } from "../config/duration.js";
import { revealParameters } from "../config/parameters.js";
import { silentLog } from "../observability/log.js";
import { onStopSignals } from "../server/stop-signals.js";
import { printErrors, type ReadConfiguration } from "./configuration.js";
import { type ParsedArguments, UsageError } from "./flags.js";
import { type Terminal } from "./terminal.js";

/** What a shell says of a command that ^C ended. */
const INTERRUPTED = 130;

/**
 * Removes what no manifest refers to, with the output of the original on standard output (contract §10.2), and what it removes,
 * how far it is and what it freed on standard error. 0 when it is done, 1 where it failed, 130 where a signal ended it.
 * @throws UsageError
 */
export async function garbageCollect(
  { loaded }: ReadConfiguration,
  { flags, values }: Pick<ParsedArguments, "flags" | "values">,
  terminal: Terminal,
): Promise<number> {
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const { config } = loaded;
  const grace = graceOf(values.get("grace-period"), config);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error("interrupted; the next run goes on where this one ended"));
  const forget = onStopSignals(onSignal, (code) => process.exit(code));
  try {
    const quiet = flags.has("quiet");
    const result = await collect(config, { flags, grace, signal: stop.signal }, terminal);
    if (!quiet) terminal.err(summaryOf(result, flags.has("dry-run")));
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown failure";
    // Without a line's end, as the original: scripts compare.
    terminal.err(`failed to garbage collect: ${reason}`);
    if (!(error instanceof CollectError) && stop.signal.aborted) {
      terminal.err("\n");
      return INTERRUPTED;
    }
    return 1;
  } finally {
    forget();
  }
}

async function collect(
  config: Config,
  {
    flags,
    grace,
    signal,
  }: { readonly flags: ReadonlySet<string>; readonly grace: number; readonly signal: AbortSignal },
  terminal: Terminal,
): Promise<CollectResult> {
  const quiet = flags.has("quiet");
  const began = performance.now();
  const progress = createProgress(
    (text) => terminal.err(text),
    terminal.isTerminal === true,
    () => performance.now() - began,
  );
  const lines = gatherLines((text) => {
    progress.clear();
    terminal.out(text);
  });
  const tell = (text: string): void => {
    lines.flush();
    progress.clear();
    terminal.err(text);
  };
  const { type, parameters } = config.storage;
  // Everything is read once: what the driver would remember takes memory for nothing.
  const lean = type === "filesystem" ? { filecache: 0, namecache: 20_000 } : {};
  const driver = await createDriver(type, { ...revealParameters(parameters), ...lean }, { alone: true });
  try {
    const caches = await openConfiguredCaches(config, driver, {
      ...silentLog,
      warn: (message) => tell(`${message}\n`),
    });
    try {
      return await runCollection(config, {
        driver,
        caches,
        grace,
        // As in the original there is no age of their own here: the grace period protects them, too.
        untaggedAge: flags.has("delete-untagged") ? 0 : undefined,
        dryRun: flags.has("dry-run"),
        signal,
        observer: {
          ...(quiet
            ? {}
            : {
                line: (text) => lines.add(text),
                removed: (what) => tell(`${what}\n`),
                progress: (state) => progress.update(state),
              }),
          problem: (text) => tell(`warning: ${text}\n`),
        },
      });
    } finally {
      lines.flush();
      progress.clear();
      await caches.close();
    }
  } finally {
    await driver.close();
  }
}

/** Characters of output that are written together: a large store has a line for each of some hundred thousand blobs. */
const GATHERED = 64 * 1024;

/** Lines that are written some at a time. */
function gatherLines(write: (text: string) => void): { add(line: string): void; flush(): void } {
  let waiting = "";
  const flush = (): void => {
    if (waiting !== "") write(waiting);
    waiting = "";
  };
  return {
    flush,
    add: (line) => {
      waiting += `${line}\n`;
      if (waiting.length >= GATHERED) flush();
    },
  };
}

function graceOf(flag: string | undefined, { storage }: Config): number {
  if (flag === undefined) return storage.maintenance.gc.graceperiod;
  const grace = parseDuration(flag);
  if (grace !== undefined && grace >= 0) return grace;
  throw new UsageError(
    `invalid argument ${JSON.stringify(flag)} for --grace-period flag: a duration such as 30m or 0s`,
  );
}

function summaryOf(result: CollectResult, dryRun: boolean): string {
  const { removedBlobs, removedManifests, removedLinks, freedBytes, young, youngBytes, problems } = result;
  const lines = dryRun
    ? ["dry run: nothing was removed"]
    : [
        `${removedBlobs} blobs, ${removedManifests} manifests and ${removedLinks} layer links removed, ${formatMebibytes(freedBytes)} freed`,
      ];
  if (young > 0) {
    lines.push(
      `${young} unreferenced blobs (${formatMebibytes(youngBytes)}) stay until they are older than the grace period`,
    );
  }
  if (problems > 0) lines.push(`${problems} problems, see above`);
  return `${lines.join("\n")}\n`;
}
