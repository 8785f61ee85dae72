import { errorFields } from "../../observability/log.js";
import type { Logs } from "../../observability/open-logs.js";

/** An unhandled error leaves the process in an unknown state, so it is logged and the process exits to be restarted. */
export function failLoudly(logs: Logs): void {
  const die = (kind: string, error: unknown): never => {
    const place = error instanceof Error ? /([^\s()/]+:\d+:\d+)\)?$/m.exec(error.stack ?? "")?.[1] : undefined;
    logs.log.error(`${kind}: the process exits`, { ...errorFields(error), at: place });
    logs.close();
    process.exit(70);
  };
  process.on("uncaughtException", (error) => die("unhandled error", error));
  process.on("unhandledRejection", (error) => die("unhandled rejection", error));
}

/** Why the registry can't start or must stop, in one line for a person. */
export function describeFatal(error: unknown): string {
  const { error: text } = errorFields(error);
  return error instanceof Error ? error.message : String(text);
}
