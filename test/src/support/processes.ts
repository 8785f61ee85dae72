import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "./peers.js";

/** What a finished program left behind. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Laid over this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program is killed; 120 s unless told. */
  readonly timeout?: number;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** Runs a program to its end and returns what it said, whatever its exit code. Throws if it can't start or runs out of time. */
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
  // A program that doesn't read its input closes the pipe: its exit code tells, not the EPIPE.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const code = await exitOf(child, "close");
  const result = { code, stdout: stdout(), stderr: stderr() };
  if (child.signalCode === "SIGKILL") {
    throw new Error(`${describeCall(program, args)} was killed after ${timeout} ms${describeOutput(result)}`);
  }
  return result;
}

/** Runs a program that has to succeed. Throws with everything it said if it doesn't. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const result = await attempt(program, args, options);
  if (result.code !== 0) {
    throw new Error(`${describeCall(program, args)} exited ${String(result.code)}${describeOutput(result)}`);
  }
  return result;
}

/** A server that a test started. It is stopped by its process id and by nothing else. */
export interface Daemon {
  readonly pid: number;
  /** The last of what it wrote to standard output and standard error, together. */
  output(): string;
  /** SIGTERM, then SIGKILL after the grace (milliseconds). The exit code, or null if a signal ended it. */
  stop(grace?: number): Promise<number | null>;
}

export interface DaemonOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Asked again and again until it says true; may throw while the server is not there yet. */
  readonly ready: (output: string) => boolean | Promise<boolean>;
  /** Milliseconds until the start has failed; 60 s unless told. */
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
  // A run that is broken off must not leave servers behind.
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

/** A TCP port on the loopback address that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") {
    throw new Error("the loopback address gave no port");
  }
  return address.port;
}

/** A folder of the test's own, short enough to hold unix sockets, removed when it is disposed of. */
export async function makeTemporaryFolder(name: string): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), `longshore-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
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

/** Keeps the last part of what the streams say, so that a talkative server can't fill the memory. */
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
