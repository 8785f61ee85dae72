import type { Terminal } from "./terminal.js";

/** Time between updates on a terminal, and between lines elsewhere (ms). */
const REDRAW = 200;
const LINE = 10_000;

/** What a long command shows on standard error. */
export interface Status {
  /** Shows how far it is: redrawn on a terminal, elsewhere a line every ten seconds. Call it as often as you like. */
  update(text: () => string): void;
  /** Writes a line that stays. */
  line(text: string): void;
  /** Removes what `update` has drawn. */
  clear(): void;
}

/** `now` in ms. With `quiet` only lines are written. */
export function createStatus(terminal: Terminal, quiet: boolean, now: () => number): Status {
  const isTerminal = terminal.isTerminal === true;
  let last = now();
  let drawn = false;
  const clear = (): void => {
    if (drawn) terminal.err("\r\x1b[K");
    drawn = false;
  };
  return {
    clear,
    line: (text) => {
      clear();
      terminal.err(`${text}\n`);
    },
    update: (text) => {
      const time = now();
      if (quiet || time - last < (isTerminal ? REDRAW : LINE)) return;
      last = time;
      clear();
      terminal.err(isTerminal ? text() : `${text()}\n`);
      drawn = isTerminal;
    },
  };
}
