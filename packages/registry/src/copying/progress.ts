import type { CopyProgress } from "@longshore/mirror";
import { counted, formatBytes } from "../wording.js";

/** Cells of the bar. */
const CELLS = 24;
/** Between two drawings on a terminal, and between two lines elsewhere (ms). */
const REDRAW = 200;
const LINE = 10_000;

/** Shows how far a copy is. */
export interface CopyDisplay {
  update(progress: CopyProgress): void;
  /** Takes the bar away, so that a line can be written. */
  clear(): void;
}

/** A bar that is drawn anew on a terminal; elsewhere a line now and then. `now` in ms. */
export function createCopyDisplay(write: (text: string) => void, isTerminal: boolean, now: () => number): CopyDisplay {
  const began = now();
  let last = began;
  let drawn = false;
  const clear = (): void => {
    if (drawn) write("\r\x1b[K");
    drawn = false;
  };
  return {
    clear,
    update(progress) {
      const time = now();
      if (time - last < (isTerminal ? REDRAW : LINE)) return;
      last = time;
      const text = describe(progress, (time - began) / 1000);
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

function describe({ done, found, isComplete, blobs, bytes }: CopyProgress, seconds: number): string {
  const filled = found === 0 ? 0 : Math.floor((done / found) * CELLS);
  const bar = isComplete ? `[${"#".repeat(filled)}${".".repeat(CELLS - filled)}] ` : "";
  const of = `${done} of ${found}${isComplete ? "" : " or more"} tags`;
  const rate = seconds > 0 ? `, ${formatBytes(Math.round(bytes / seconds))}/s` : "";
  return `copying ${bar}${of}, ${counted(blobs, "blob")}, ${formatBytes(bytes)}${rate}`;
}
