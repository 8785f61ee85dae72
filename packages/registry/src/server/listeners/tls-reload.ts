import { watchFiles, type FileWatch } from "@longshore/base/watched-file";
import type { TlsOptions } from "node:tls";
import type { TlsConfig } from "../../config/config.js";
import { errorFields, type Log } from "../../observability/log.js";
import { loadTlsOptions } from "./tls-options.js";

/** The files of `http.tls`, watched from before they are first read. */
export function watchTls(config: TlsConfig): Promise<FileWatch> {
  return watchFiles([...pairOf(config), ...config.clientcas]);
}

function pairOf({ source }: TlsConfig): readonly string[] {
  return source.kind === "files" ? [source.certificate, source.key] : [];
}

/** How often the files are checked (ms). */
const CHECK_INTERVAL = 5000;

/** A certificate that is reloaded when its files change. */
export interface TlsReload {
  /** Reloads the files, whether or not they seem changed. */
  reload(): Promise<void>;
  stop(): void;
}

/**
 * Checks the files of `http.tls` regularly and passes their contents to `apply` when they have changed. If a certificate and
 * key don't match, as while one file is written before the other, this is logged and the pair in use stays; it is tried
 * again as soon as a file changes.
 */
export function followTls(
  config: TlsConfig,
  protocols: readonly string[],
  watch: FileWatch,
  apply: (options: TlsOptions) => void,
  log: Log,
): TlsReload {
  const [certificate = config.clientcas.join(", ")] = pairOf(config);
  const what = config.source.kind === "files" ? "certificate" : "client authorities";
  let running: Promise<void> = Promise.resolve();

  const load = async (): Promise<void> => {
    try {
      apply(await loadTlsOptions(config, protocols));
      if (certificate !== "") log.info(`http.tls: reloaded the ${what} from ${certificate}; new connections use it`);
    } catch (error) {
      log.error(`http.tls: the new files can't be used; the current ${what} stays in use`, errorFields(error));
    }
  };
  // One at a time, so that an older reading never follows a newer one.
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
