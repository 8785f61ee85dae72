import type { TlsOptions } from "node:tls";
import type { TlsConfig } from "../config/config.js";
import { errorFields, type Log } from "../observability/log.js";
import { watchFiles, type FileWatch } from "./file-watch.js";
import { loadTlsOptions } from "./tls-options.js";

/** The files of `http.tls`, to be watched from before their first reading on. */
export function watchTls(config: TlsConfig): Promise<FileWatch> {
  return watchFiles([config.certificate, config.key, ...config.clientcas]);
}

/** How often the files are looked at (ms). */
const CHECK_INTERVAL = 5000;

/** A certificate that follows its files. */
export interface TlsReload {
  /** Reads the files again, whether they seem changed or not. */
  reload(): Promise<void>;
  stop(): void;
}

/**
 * Looks at the files of `http.tls` now and then and hands what they hold to `apply` when they have changed. A pair that
 * doesn't fit, as while one of its files is written before the other, is logged and the one in use stays; it is tried again
 * as soon as a file changes.
 */
export function followTls(
  config: TlsConfig,
  protocols: readonly string[],
  watch: FileWatch,
  apply: (options: TlsOptions) => void,
  log: Log,
): TlsReload {
  let running: Promise<void> = Promise.resolve();

  const load = async (): Promise<void> => {
    try {
      apply(await loadTlsOptions(config, protocols));
      log.info(`http.tls: the certificate was read again from ${config.certificate}; new connections use it`);
    } catch (error) {
      log.error("http.tls: the new files can't be used; the certificate in use stays", errorFields(error));
    }
  };
  // One after the other, so that an older reading never follows a newer one.
  const enqueue = (work: () => Promise<void>): Promise<void> => (running = running.then(work));
  const timer = setInterval(
    () =>
      void enqueue(async () => {
        if (await watch.changed()) await load();
      }),
    CHECK_INTERVAL,
  );
  timer.unref();
  return {
    reload: () =>
      enqueue(async () => {
        await watch.changed();
        await load();
      }),
    stop: () => clearInterval(timer),
  };
}
