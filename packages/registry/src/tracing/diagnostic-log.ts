import type { DiagLogger } from "@opentelemetry/api";
import type { Log } from "../observability/log.js";

/** An unreachable collector is logged once in this time (ms), rather than for every batch. */
const SILENCE = 60_000;
/** The most different messages to remember at a time. */
const MOST_REMEMBERED = 100;

/** Writes the tracing library's messages to this registry's log, each at most once a minute. */
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

/** Errors arrive as JSON with all their properties, including the stack. Only the message and code are logged. */
function messageOf(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    const fault: unknown = JSON.parse(text);
    if (typeof fault !== "object" || fault === null) return text;
    const message = "message" in fault && typeof fault.message === "string" ? fault.message : "";
    const code = "code" in fault && typeof fault.code === "string" ? fault.code : "";
    return `spans could not be sent: ${[message, code].filter((part) => part !== "").join(" ") || "unknown error"}`;
  } catch {
    return text;
  }
}
