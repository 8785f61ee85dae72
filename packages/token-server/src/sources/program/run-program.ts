import { abortable } from "@longshore/base/abort";
import { spawn, type ChildProcess } from "node:child_process";

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined if a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** What {@link runProgram} starts. */
export interface ProgramCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly input: string;
  /** The most bytes it may print. */
  readonly maxOutput: number;
  /** Where it is started. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What every program gets: nothing of this process's own, which may hold secrets. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** The registry's own variables, of which some are secrets. */
const OWN = "REGISTRY_";

/** The variables of `all` that a program gets, by their names; `*` stands for all but the registry's own. */
export function programEnvironment(
  names: readonly string[],
  all: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const isWanted = names.includes("*") ? (name: string) => !name.startsWith(OWN) : () => false;
  const chosen = Object.entries(all).filter(([name]) => names.includes(name) || isWanted(name));
  return { ...ENVIRONMENT, ...Object.fromEntries(chosen) };
}

/**
 * Runs a program without a shell, in a process group of its own. The group is killed when the program ends, prints too much, or when
 * `signal` aborts, so that nothing that it has started is left. Throws if it can't be started or prints too much, or the signal's
 * reason.
 */
export async function runProgram(call: ProgramCall, signal: AbortSignal): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const { command, args, input, maxOutput, folder, environment } = call;
  const child = spawn(command, args, {
    cwd: folder,
    env: environment,
    detached: true,
    shell: false,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const stop = (): void => killGroup(child);
  signal.addEventListener("abort", stop);
  try {
    const ended = endOf(child, maxOutput);
    // A program that doesn't read its input closes the pipe: its exit code tells, and not the EPIPE.
    child.stdin.on("error", () => undefined).end(input);
    return await abortable(ended, signal);
  } finally {
    signal.removeEventListener("abort", stop);
    killGroup(child);
    // A descendant that has left the group may hold the pipe open for ever.
    child.stdout.destroy();
    child.stdin.destroy();
  }
}

function endOf(child: ChildProcess, maxOutput: number): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxOutput) chunks.push(chunk);
      else reject(new Error(`it prints more than ${maxOutput} bytes`));
    });
    child.once("error", reject);
    // What it has started must not keep its output open.
    child.once("exit", () => killGroup(child));
    child.once("close", (code) => resolve({ code: code ?? undefined, stdout: Buffer.concat(chunks).toString("utf8") }));
  });
}

/** Kills the group that the child leads. Its id can't mean another one while a member is left; without members nothing happens. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}
