import { setTimeout as delay } from "node:timers/promises";
import type { StorageDriver } from "../contract/driver.js";
import type { Finding, Repairable, ScrubOptions } from "./options.js";
import { MAX_FINDINGS, writeState, type Counts, type Position } from "./state.js";
import type { Pace } from "./pace.js";

/** How many links or manifests are looked at concurrently. */
export const CONCURRENCY = 8;

/** How often the state is written (ms). */
const SAVE = 10_000;

/** What the parts of a scrub share. */
export interface Scrub {
  /** As it is: looking changes nothing. */
  readonly driver: StorageDriver;
  /** As the stores see it: what a collector has hidden exists, and is put back. */
  readonly store: StorageDriver;
  readonly options: ScrubOptions;
  readonly pace: Pace;
  readonly counts: Counts;
  readonly findings: Finding[];
  readonly report: (finding: Finding) => void;
  /** Tells the observer; `fraction` of the blobs. */
  progress(phase: Position["phase"], fraction?: number): void;
  /** Everything up to `position` is done; writes that from time to time, or with `now` at once. */
  reached(position: Position, now?: boolean): Promise<void>;
}

/** Looks at something as `driver` shows it; undefined if it is as it should be. */
export type Look = (driver: StorageDriver) => Promise<Repairable | undefined>;

export function createScrub({
  driver,
  store,
  options,
  pace,
  counts,
  findings,
}: Pick<Scrub, "driver" | "store" | "options" | "pace" | "counts" | "findings">): Scrub {
  let saved = performance.now();
  return {
    driver,
    store,
    options,
    pace,
    counts,
    findings,
    report: (finding) => {
      if (finding.damage) counts.damaged += 1;
      if (finding.action === "quarantined") counts.quarantined += 1;
      if (finding.action === "repaired") counts.repaired += 1;
      if (findings.length < MAX_FINDINGS) findings.push(finding);
      else counts.unlisted += 1;
      options.observer?.finding?.(finding);
    },
    progress: (phase, fraction) => {
      const { blobs, bytes, repositories, damaged } = counts;
      options.observer?.progress?.({ phase, fraction, blobs, bytes, repositories, damaged });
    },
    reached: async (position, now = false) => {
      if (!now && performance.now() - saved < SAVE) return;
      saved = performance.now();
      await writeState(driver, { position, counts, findings });
    },
  };
}

/** Suspicions that are looked at once more, after a while: a push or a delete that was under way has ended by then. */
export interface Suspects {
  /** Looks now, and notes what isn't as it should be. */
  check(look: Look): Promise<void>;
  /** Looks at all of them once more, and reports what is still wrong; repairs what can be, if that was asked for. */
  settle(): Promise<void>;
}

/** How many suspicions are held before they are settled. */
const HELD = 500;

export function createSuspects({ driver, store, options, report }: Scrub): Suspects {
  let held: Look[] = [];
  const settle = async (): Promise<void> => {
    if (held.length === 0) return;
    const looks = held;
    held = [];
    await delay(options.patience ?? 1000, undefined, { signal: options.signal });
    for (const look of looks) {
      const found = await look(store);
      if (found === undefined) continue;
      const { repair, ...finding } = found;
      if (options.repair !== true || repair === undefined) {
        report(finding);
        continue;
      }
      await repair();
      report({ ...finding, action: "repaired" });
    }
  };
  return {
    check: async (look) => {
      if ((await look(driver)) === undefined) return;
      held.push(look);
      if (held.length >= HELD) await settle();
    },
    settle,
  };
}
