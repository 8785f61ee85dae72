/** The fields of a log line beside its message: flat, so that every formatter can show them. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The levels of `log.level`, most to least severe. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** The interface for logging, in this package and others, which never see the library behind it. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A warning whose fields aren't redacted: for secrets that a person could otherwise not learn. */
  disclose(message: string, fields: LogFields): void;
  /** A log whose lines all carry `fields` as well. */
  child(fields: LogFields): Log;
}

const quiet = (): void => undefined;

/** Discards everything: for tests and for callers without a log. */
export const silentLog: Log = {
  error: quiet,
  warn: quiet,
  info: quiet,
  debug: quiet,
  disclose: quiet,
  child: () => silentLog,
};

/**
 * The fields that describe an error: its message and those of its causes. No stack, because that would reveal paths of the
 * machine and, with some libraries, arguments too.
 */
export function errorFields(error: unknown): LogFields {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth += 1) {
    parts.push(
      current instanceof Error
        ? current.message || current.name
        : typeof current === "string"
          ? current
          : "unknown error",
    );
    current = current instanceof Error ? current.cause : undefined;
  }
  return { error: parts.join(": ") };
}
