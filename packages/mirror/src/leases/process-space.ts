import { hasErrno } from "@longshore/base/errno";
import { readFileSync, readlinkSync } from "node:fs";

/** A process, so that others of the same machine and container can tell whether it lives. */
export interface ProcessId {
  /** The running kernel, and the processes that see each other on it. */
  readonly space: string;
  readonly pid: number;
}

/** This process; undefined where the system doesn't tell its processes apart in this way. */
export function thisProcess(): ProcessId | undefined {
  try {
    const kernel = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { space: `${kernel} ${readlinkSync("/proc/self/ns/pid")}`, pid: process.pid };
  } catch {
    return undefined;
  }
}

/** Whether the process has certainly ended. False says nothing: its number may be another's by now, or it runs elsewhere. */
export function isDeadProcess({ space, pid }: ProcessId): boolean {
  if (thisProcess()?.space !== space) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasErrno(error, "ESRCH");
  }
}
