import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "./peer-list.js";

/** The result of a program that has ended. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program is killed (default: 120 s). */
  readonly timeout?: number;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** Runs a program to its end and returns its output, whatever its exit code. Throws if it can't start or takes too long. */
export async function attempt(program: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const timeout = options.timeout ?? 120_000;
  const child = spawn(findProgram(program) ?? program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout,
    killSignal: "SIGKILL",
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A program that doesn't read its input closes the pipe: its exit code counts, not the EPIPE.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const code = await exitOf(child, "close");
  const result = { code, stdout: stdout(), stderr: stderr() };
  if (child.signalCode === "SIGKILL") {
    throw new Error(`${describeCall(program, args)} was killed after ${timeout} ms${describeOutput(result)}`);
  }
  return result;
}

/** Runs a program that must succeed. Throws with its whole output if it doesn't. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const result = await attempt(program, args, options);
  if (result.code !== 0) {
    throw new Error(`${describeCall(program, args)} exited ${String(result.code)}${describeOutput(result)}`);
  }
  return result;
}

/** A server that a test started. It is stopped by its process id only. */
export interface Daemon {
  readonly pid: number;
  /** The end of its combined standard output and standard error. */
  output(): string;
  /** SIGTERM, then SIGKILL after the grace (milliseconds). The exit code, or null if a signal ended it. */
  stop(grace?: number): Promise<number | null>;
}

export interface DaemonOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Polled until it returns true; may throw while the server isn't listening yet. */
  readonly ready: (output: string) => boolean | Promise<boolean>;
  /** Milliseconds until the start counts as failed (default: 60 s). */
  readonly timeout?: number;
}

/** Starts a server and waits until it is ready. Throws with its output if it exits or isn't ready in time. */
export async function startDaemon(program: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const child = spawn(findProgram(program) ?? program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child.stdout, child.stderr);
  const exited = exitOf(child, "exit");
  exited.catch(() => undefined);
  // An interrupted run must not leave servers behind.
  const abandon = () => child.kill("SIGTERM");
  process.once("exit", abandon);
  child.once("exit", () => process.off("exit", abandon));
  const daemon: Daemon = { pid: child.pid ?? -1, output, stop: (grace = 30_000) => stopChild(child, exited, grace) };

  const deadline = Date.now() + (options.timeout ?? 60_000);
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      await exited;
      throw new Error(`${describeCall(program, args)} ended before it was ready\n${output()}`);
    }
    if (await isReady(options.ready, output())) {
      return daemon;
    }
    if (Date.now() > deadline) {
      await daemon.stop(1000);
      throw new Error(`${describeCall(program, args)} was not ready in time\n${output()}`);
    }
    await delay(50);
  }
}

async function isReady(ready: DaemonOptions["ready"], output: string): Promise<boolean> {
  try {
    return await ready(output);
  } catch {
    return false;
  }
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>, grace: number): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return child.exitCode;
  }
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), grace);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}

function exitOf(child: ChildProcess, event: "exit" | "close"): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once(event, resolve);
  });
}

/** Keeps the last part of the streams' output, so that a verbose server can't fill the memory. */
function collect(...streams: readonly NodeJS.ReadableStream[]): () => string {
  let text = "";
  for (const stream of streams) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_LIMIT);
    });
  }
  return () => text;
}

function describeCall(program: string, args: readonly string[]): string {
  return [program, ...args].join(" ");
}

function describeOutput(result: Result): string {
  return `\n--- standard output\n${result.stdout}\n--- standard error\n${result.stderr}`;
}
