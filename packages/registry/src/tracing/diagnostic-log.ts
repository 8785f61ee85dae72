import type { DiagLogger } from "@opentelemetry/api";
import type { Log } from "../observability/log.js";

/** A collector that is away is told of once in this time (ms), not with every batch. */
const SILENCE = 60_000;
/** Different complaints that are remembered at a time. */
const MOST_REMEMBERED = 100;

/** What the tracing library has to say, in this registry's log: never more than once a minute for each complaint. */
export function createDiagnosticLog(log: Log, now: () => number = Date.now): DiagLogger {
  const said = new Map<string, number>();
  const warn = (message: string): void => {
    const text = `tracing: ${messageOf(message)}`;
    const last = said.get(text);
    if (last !== undefined && now() - last < SILENCE) return;
    if (said.size >= MOST_REMEMBERED) said.clear();
    said.set(text, now());
    log.warn(text);
  };
  const quiet = (): void => undefined;
  return { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
}

/** Errors come as the JSON of all they have, stack and all: only what went wrong is for the log. */
function messageOf(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    const fault: unknown = JSON.parse(text);
    if (typeof fault !== "object" || fault === null) return text;
    const message = "message" in fault && typeof fault.message === "string" ? fault.message : "";
    const code = "code" in fault && typeof fault.code === "string" ? fault.code : "";
    return `spans could not be sent: ${[message, code].filter((part) => part !== "").join(" ") || "unknown fault"}`;
  } catch {
    return text;
  }
}
