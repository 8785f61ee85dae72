import { pino } from "pino";

/** Where finished lines go. Never blocks the caller and never throws: a log must not stop the registry. */
export interface LineSink {
  write(line: string): void;
  /** Hands what is buffered to the system soon instead of at the next interval. */
  flush(): void;
  /** Hands over what is buffered before it returns: for the end of the process. */
  close(): void;
}

/** Lines are gathered up to about this many characters under load: one system call for many requests. */
const BATCH_SIZE = 16 * 1024;
/** No line waits longer than this (ms). */
const FLUSH_INTERVAL = 100;
/** What a reader that doesn't keep up may leave behind in memory (bytes); further lines are dropped and counted. */
const BUFFER_LIMIT = 8 * 1024 * 1024;

/** How often a full pipe is tried again at the end, every 100 ms. */
const LAST_TRIES = 10;

/**
 * A buffered writer to a file descriptor (1: access log, 2: application log). It writes in the background, so that a slow
 * reader costs no request its time; a reader that has gone away costs the log, nothing else.
 */
export function openSink(fd: number): LineSink {
  let waits = 0;
  let closing = false;
  const destination = pino.destination({
    fd,
    sync: false,
    minLength: 0,
    maxLength: BUFFER_LIMIT,
    // A full pipe is tried again every 100 ms, but the end of the process doesn't wait for ever.
    retryEAGAIN: () => !closing || (waits += 1) <= LAST_TRIES,
  });
  let pending = "";
  let lines = 0;
  let dropped = 0;
  // A full disk or a closed pipe: there is nowhere left to complain to.
  destination.on("error", () => undefined);
  destination.on("drop", () => (dropped += lines));

  const hand = (): void => {
    if (pending === "") return;
    const notice = dropped > 0 ? `# ${dropped} log lines dropped: the reader did not keep up\n` : "";
    dropped = 0;
    destination.write(notice + pending);
    pending = "";
    lines = 0;
  };
  const close = (): void => {
    clearInterval(timer);
    closing = true;
    hand();
    try {
      destination.flushSync();
    } catch {
      // The reader is gone; the process ends anyway.
    }
  };
  const timer = setInterval(hand, FLUSH_INTERVAL);
  timer.unref();
  // Whatever ends the process, what was logged before is handed over.
  process.once("exit", close);
  return {
    write(line) {
      pending += line;
      lines += 1;
      if (pending.length >= BATCH_SIZE) hand();
    },
    flush: hand,
    close() {
      process.removeListener("exit", close);
      close();
    },
  };
}
