import { CollectError, type CollectProgress, type CollectResult } from "@longshore/storage";
import { runCollection } from "../../garbage-collection/run-collection.js";
import type { Config } from "../../config/config.js";
import { parseDuration } from "@longshore/base/duration";
import { Resources } from "@longshore/base/resources";
import { silentLog } from "../../observability/log.js";
import { onStopSignals } from "../../server/processes/signals.js";
import { COLLECTION_AGENT } from "../../retention/observe-removals.js";
import { counted, formatBar, formatBytes } from "../../wording.js";
import type { Invocation } from "../command.js";
import { printErrors } from "../configuration.js";
import { UsageError } from "../flags.js";
import { openRemovalAudit } from "../removal-audit.js";
import { createStatus } from "../status.js";
import type { Terminal } from "../terminal.js";

/** The exit code by which shells know a command that ^C ended. */
const INTERRUPTED = 130;

/**
 * Removes what no manifest refers to. Standard output is Distribution's (wire contract §10.2); what is removed, the progress
 * and the space freed go to standard error. Exits with 0 when done, 1 on failure and 130 if a signal ended it.
 */
export async function collectGarbage({
  configuration: { loaded },
  flags,
  values,
  terminal,
}: Invocation): Promise<number> {
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const { config } = loaded;
  const grace = graceOf(values.get("grace-period"), config);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error("interrupted; run it again to remove the rest"));
  const forget = onStopSignals(onSignal, (code) => process.exit(code));
  try {
    const quiet = flags.has("quiet");
    const result = await collect(config, { flags, grace, signal: stop.signal }, terminal);
    if (!quiet) terminal.err(summaryOf(result, flags.has("dry-run")));
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown failure";
    // No newline, as in Distribution: scripts compare the output.
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
  const status = createStatus(terminal, quiet, () => performance.now());
  const describe = createDescription(() => performance.now());
  const lines = gatherLines((text) => {
    status.clear();
    terminal.out(text);
  });
  const tell = (text: string): void => {
    lines.flush();
    status.clear();
    terminal.err(text);
  };
  await using opened = new Resources();
  opened.defer(() => {
    lines.flush();
    status.clear();
  });
  const warn = (text: string): void => tell(`warning: ${text}\n`);
  const dryRun = flags.has("dry-run");
  const note = dryRun ? undefined : openRemovalAudit(config, { agent: COLLECTION_AGENT, opened, warn });
  return await runCollection(config, {
    driver: opened.add(await config.storage.driver.open({ alone: true })),
    log: { ...silentLog, warn: (message) => tell(`${message}\n`) },
    grace,
    // As in Distribution, untagged manifests have no age limit of their own here: the grace period protects them too.
    untaggedAge: flags.has("delete-untagged") ? 0 : undefined,
    dryRun,
    signal,
    observer: {
      ...(quiet
        ? {}
        : {
            line: (text) => lines.add(text),
            removed: (what) => tell(`${what}\n`),
            progress: (state) => status.update(describe(state)),
          }),
      manifestRemoved: (repository, digest) => note?.({ repository, digest }),
      problem: warn,
    },
  });
}

const STEPS: Record<CollectProgress["phase"], string> = {
  mark: "marking manifests",
  look: "checking blobs",
  sweep: "removing blobs",
};

/** Words how far a collection is, with the speed of its present step. `now` in ms. */
function createDescription(now: () => number): (progress: CollectProgress) => () => string {
  let step: { readonly phase: CollectProgress["phase"]; readonly began: number } | undefined;
  return ({ phase, done, total, freedBytes }) => {
    if (step?.phase !== phase) step = { phase, began: now() };
    const { began } = step;
    return () => {
      const seconds = (now() - began) / 1000;
      const rate = seconds > 0 ? ` ${Math.round(done / seconds)}/s` : "";
      const freed = phase === "sweep" ? `, ${formatBytes(freedBytes)} freed` : "";
      if (total === undefined) return `${STEPS[phase]}: ${done}${rate}`;
      return `${STEPS[phase]} ${formatBar(done, total)} ${done} of ${total}${phase === "look" ? "" : rate}${freed}`;
    };
  };
}

/** Characters of output written at once: a large store prints a line for each of several hundred thousand blobs. */
const GATHERED = 64 * 1024;

/** Buffers lines and writes many of them at once. */
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
    `invalid argument ${JSON.stringify(flag)} for --grace-period flag: expected a duration such as 30m or 0s`,
  );
}

function summaryOf(result: CollectResult, dryRun: boolean): string {
  const { removedBlobs, removedManifests, removedLinks, freedBytes, young, youngBytes, problems } = result;
  const lines = dryRun
    ? ["dry run: nothing was removed"]
    : [
        `${counted(removedBlobs, "blob")}, ${counted(removedManifests, "manifest")} and ${counted(removedLinks, "layer link")} removed, ${formatBytes(freedBytes)} freed`,
      ];
  if (young > 0) {
    lines.push(
      `${counted(young, "unreferenced blob")} (${formatBytes(youngBytes)}) kept until older than the grace period`,
    );
  }
  if (problems > 0) lines.push(`${counted(problems, "problem")} (see above)`);
  return `${lines.join("\n")}\n`;
}
