import type { CollectProgress } from "@longshore/storage";
import { formatBytes } from "../wording.js";

/** Cells of the bar. */
const CELLS = 24;
/** Time between updates on a terminal, and between lines elsewhere (ms). */
const REDRAW = 200;
const LINE = 10_000;

/** Shows the progress of a collection. */
export interface ProgressDisplay {
  update(progress: CollectProgress): void;
  /** Removes the bar so that a line can be written. */
  clear(): void;
}

const STEPS: Record<CollectProgress["phase"], string> = {
  mark: "marking manifests",
  look: "checking blobs",
  sweep: "removing blobs",
};

/** On a terminal, a bar that is redrawn; elsewhere, a line every so often. `now` is in ms. */
export function createProgress(write: (text: string) => void, isTerminal: boolean, now: () => number): ProgressDisplay {
  let last = now();
  let drawn = false;
  let step: { phase: CollectProgress["phase"]; began: number } | undefined;

  const clear = (): void => {
    if (drawn) write("\r\x1b[K");
    drawn = false;
  };

  return {
    clear,
    update: (progress) => {
      const time = now();
      if (step?.phase !== progress.phase) step = { phase: progress.phase, began: time };
      if (time - last < (isTerminal ? REDRAW : LINE)) return;
      last = time;
      const text = describe(progress, (time - step.began) / 1000);
      if (!isTerminal) {
        write(`${text}\n`);
        return;
      }
      clear();
      write(text);
      drawn = true;
    },
  };
}

function describe({ phase, done, total, freedBytes }: CollectProgress, seconds: number): string {
  const rate = seconds > 0 ? ` ${Math.round(done / seconds)}/s` : "";
  const freed = phase === "sweep" ? `, ${formatBytes(freedBytes)} freed` : "";
  if (total === undefined) return `${STEPS[phase]}: ${done}${rate}`;
  return `${STEPS[phase]} ${formatBar(done, total)} ${done} of ${total}${phase === "look" ? "" : rate}${freed}`;
}

/** `[####....]`, as far as `done` of `total` is. */
export function formatBar(done: number, total: number): string {
  const filled = total === 0 ? CELLS : Math.min(CELLS, Math.floor((done / total) * CELLS));
  return `[${"#".repeat(filled)}${".".repeat(CELLS - filled)}]`;
}
