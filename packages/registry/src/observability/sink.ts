import { pino } from "pino";

/** Where finished lines go. Never blocks the caller and never throws: a log must not stop the registry. */
export interface LineSink {
  write(line: string): void;
  /** Flushes the buffer soon instead of at the next interval. */
  flush(): void;
  /** Flushes the buffer before it returns: for the end of the process. */
  close(): void;
}

/** Under load, lines are collected up to this many bytes: to wake the thread that writes them takes as long as a request. */
const BATCH_SIZE = 64 * 1024;
/** The most bytes that a character takes in UTF-8. */
const BYTES_PER_CHARACTER = 3;
/** No line waits longer than this (ms). */
const FLUSH_INTERVAL = 100;
/** How much may be buffered in memory for a reader that can't keep up (bytes); further lines are dropped and counted. */
const BUFFER_LIMIT = 8 * 1024 * 1024;

/** How often a full pipe is retried at the end, every 100 ms. */
const LAST_TRIES = 10;

/**
 * A buffered writer to a file descriptor (1: access log, 2: application log). It writes in the background, so that a slow
 * reader delays no request; if the reader has closed the pipe, only the log is lost.
 */
export function openSink(fd: number): LineSink {
  let waits = 0;
  let closing = false;
  const destination = pino.destination({
    fd,
    sync: false,
    minLength: 0,
    maxLength: BUFFER_LIMIT,
    // A full pipe is retried every 100 ms, but the end of the process doesn't wait forever.
    retryEAGAIN: () => !closing || (waits += 1) <= LAST_TRIES,
  });
  // As bytes: thousands of pieces of text that wait to be joined would keep the garbage collector busy.
  const pending = Buffer.allocUnsafe(BATCH_SIZE);
  let used = 0;
  let lines = 0;
  let dropped = 0;
  // A full disk or a closed pipe: there is nowhere left to report it.
  destination.on("error", () => undefined);
  destination.on("drop", () => (dropped += lines));

  const hand = (): void => {
    if (used === 0) return;
    const notice = dropped > 0 ? `# ${dropped} log lines dropped: the reader did not keep up\n` : "";
    dropped = 0;
    destination.write(notice + pending.toString("utf8", 0, used));
    used = 0;
    lines = 0;
  };
  const close = (): void => {
    clearInterval(timer);
    closing = true;
    hand();
    try {
      destination.flushSync();
    } catch {
      // The pipe is closed, and the process is ending anyway.
    }
  };
  const timer = setInterval(hand, FLUSH_INTERVAL);
  timer.unref();
  // However the process ends, everything logged before is written.
  process.once("exit", close);
  return {
    write(line) {
      const most = line.length * BYTES_PER_CHARACTER;
      if (used + most > BATCH_SIZE) hand();
      if (most <= BATCH_SIZE) {
        used += pending.write(line, used);
        lines += 1;
        return;
      }
      lines = 1;
      destination.write(line);
      lines = 0;
    },
    flush: hand,
    close() {
      process.removeListener("exit", close);
      close();
    },
  };
}
