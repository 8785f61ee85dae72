import type { IncomingMessage } from "node:http";

const LINES: unique symbol = Symbol("header lines for browsers");

type Marked = IncomingMessage & { [LINES]?: readonly string[] };

/** Notes header lines (name, value, …) that whatever answers `request` has to send along. */
export function attachLines(request: Marked, lines: readonly string[]): void {
  if (lines.length > 0) request[LINES] = lines;
}

/**
 * Adds the lines noted for `request` to an answer's `headers`, but for those that it has: what `http.headers` says is what
 * is sent. Not with `setHeader`, since then Node would keep only one of several lines of a name.
 */
export function addLines(request: Marked, headers: string[]): void {
  const lines = request[LINES];
  if (lines === undefined) return;
  const present = new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (!present.has(name.toLowerCase())) headers.push(name, lines[i + 1] ?? "");
  }
}
