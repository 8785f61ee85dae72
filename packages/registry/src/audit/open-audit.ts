import { errnoOf } from "@longshore/base/errno";
import { closeSync, openSync, writeSync } from "node:fs";
import type { AuditConfig } from "../config/config.js";
import type { Log } from "../observability/log.js";
import { errorFields } from "../observability/log.js";
import type { Logs } from "../observability/open-logs.js";
import { createAudit, type Audit } from "./audit.js";

/** The audit log of a process. */
export interface AuditLog {
  readonly audit: Audit;
  /** Adds a line, for what no client asked for. */
  write(line: string): void;
  /** Reopens the file, so that it can be rotated. */
  reopen(): void;
  /** Flushes what is buffered. */
  close(): void;
}

/** Lines are collected for this long (ms), or up to about this many characters: one write for many requests. */
const FLUSH_INTERVAL = 100;
const BATCH_SIZE = 16 * 1024;
/** How much may be buffered in memory while the disk is full (characters); further lines are dropped, which is logged. */
const BUFFER_LIMIT = 8 * 1024 * 1024;

/** For its owner and group: not everyone may know who did what. */
const FILE_MODE = 0o640;

/** Opens the audit log. Throws, with a message for operators, if its file can't be opened. */
export function openAudit(config: AuditConfig, logs: Logs): AuditLog {
  const { target } = config;
  if (target === "stdout" || target === "stderr") {
    const sink = target === "stdout" ? logs.sinks.access : logs.sinks.application;
    return {
      audit: createAudit((line) => sink.write(line), config),
      write: (line) => sink.write(line),
      reopen: () => undefined,
      close: () => sink.flush(),
    };
  }
  const file = openAuditFile(target, logs.log);
  return {
    audit: createAudit((line) => file.write(line), config),
    write: (line) => file.write(line),
    reopen: () => file.reopen(),
    close: () => file.close(),
  };
}

interface AuditFile {
  write(line: string): void;
  reopen(): void;
  close(): void;
}

/** The file can't be opened; the message says why. */
class AuditError extends Error {
  override readonly name = "AuditError";
}

/**
 * A file that several processes append to: each write consists of whole lines (O_APPEND), so that lines never mix. It is
 * written synchronously, a batch at a time, so that nothing is missing when the process ends.
 */
export function openAuditFile(path: string, log: Log): AuditFile {
  let descriptor = openForAppending(path);
  let pending = "";
  let dropped = 0;
  let isFailing = false;

  const hand = (): void => {
    if (pending === "") return;
    const bytes = Buffer.from(pending);
    try {
      let written = writeSync(descriptor, bytes);
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    } catch (error) {
      if (!isFailing) log.error(`log.audit: can't write to ${path}; lines are buffered for now`, errorFields(error));
      isFailing = true;
      return;
    }
    pending = "";
    if (isFailing) log.info(`log.audit: ${path} is writable again; ${dropped} lines were lost`);
    isFailing = false;
    dropped = 0;
  };
  const close = (): void => {
    clearInterval(timer);
    process.removeListener("exit", close);
    hand();
    closeSync(descriptor);
  };
  const timer = setInterval(hand, FLUSH_INTERVAL);
  timer.unref();
  process.once("exit", close);
  return {
    write(line) {
      if (pending.length > BUFFER_LIMIT) {
        dropped += 1;
        return;
      }
      pending += line;
      if (pending.length >= BATCH_SIZE && !isFailing) hand();
    },
    reopen() {
      hand();
      try {
        const next = openForAppending(path);
        closeSync(descriptor);
        descriptor = next;
      } catch (error) {
        log.error("the audit log stays in the file that is open", errorFields(error));
      }
    },
    close,
  };
}

function openForAppending(path: string): number {
  try {
    return openSync(path, "a", FILE_MODE);
  } catch (error) {
    const reason = errnoOf(error) ?? "unknown";
    throw new AuditError(`log.audit.target: can't open ${path} for appending (${reason})`, { cause: error });
  }
}
