import { openWatchedFile, type WatchedFile, type WatchedFileOptions } from "@longshore/base/watched-file";
import type { AuthLog } from "../ports.js";

/** Options of {@link watchConfigFile}. */
export interface ConfigFileOptions<T> extends Omit<WatchedFileOptions<T>, "onUnusable"> {
  /** The file's name in the log: `htpasswd`, `rootcertbundle`. */
  readonly label: string;
  readonly log: AuthLog;
}

/** A watched file that logs when it has changed and, once for each reason, that it can't be used. */
export function watchConfigFile<T>({ label, log, ...options }: ConfigFileOptions<T>): Promise<WatchedFile<T>> {
  const { path, onChange } = options;
  return openWatchedFile({
    ...options,
    onChange(value) {
      onChange?.(value);
      log.info(`${label} has changed and is in use`, { path });
    },
    onUnusable(error) {
      log.error(`${label} can't be used; its previous content stays in use`, { path, error });
    },
  });
}
