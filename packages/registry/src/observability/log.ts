/** What a log line carries beside its message: flat, so that every formatter can show it. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The levels of `log.level`, most to least severe. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** The port that rooms of this package and of others log through; they never see the library behind it. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A warning that shows what its fields hold, secrets too: for what nobody could otherwise get to know. */
  disclose(message: string, fields: LogFields): void;
  /** A log whose lines all carry `fields` as well. */
  child(fields: LogFields): Log;
}

const quiet = (): void => undefined;

/** Says nothing: for tests and for callers that have nobody to tell. */
export const silentLog: Log = {
  error: quiet,
  warn: quiet,
  info: quiet,
  debug: quiet,
  disclose: quiet,
  child: () => silentLog,
};

/**
 * The fields that describe a fault: its message and those of its causes. No stack: it would carry machine paths, and
 * with some libraries the arguments too.
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
          : "unknown fault",
    );
    current = current instanceof Error ? current.cause : undefined;
  }
  return { error: parts.join(": ") };
}
