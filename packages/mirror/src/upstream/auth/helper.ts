import { spawn, type ChildProcess } from "node:child_process";
import { abortable } from "@longshore/base/abort";
import { errnoOf } from "@longshore/base/errno";
import { MINUTE, SECOND } from "@longshore/base/duration";
import { CredentialError, type CredentialSource, type Credentials } from "./credentials.js";
import { parseHelperAnswer, saysNotFound } from "./helper-answer.js";

/** A program that speaks the protocol of docker-credential-helpers. */
export interface HelperSettings {
  /** One executable, searched on the PATH; it is run without a shell as `<command> get`. */
  readonly command: string;
  /** How long an answer is used (ms); undefined: as long as the process lives; 0: once. */
  readonly lifetime: number | undefined;
  readonly now: () => number;
  /** How long it may take (ms). */
  readonly timeout?: number | undefined;
}

/** A helper may ask a cloud's API. */
const TIMEOUT = MINUTE;

/** What is read of a helper's output (bytes). */
const MAX_OUTPUT = 64 * 1024;

/** How long a failure is remembered (ms), so that not every request starts a program that fails. */
const FAILURE_LIFETIME = 10 * SECOND;

interface Remembered {
  readonly answer: Promise<Credentials | undefined>;
  readonly since: number;
  expires: number;
}

/**
 * Credentials that a program hands out. The program is asked for each of the hosts in turn until it has some. Requests at the same time
 * share one run; the run ends by itself, since the next request needs its answer as well.
 */
export function helperCredentials(settings: HelperSettings): CredentialSource {
  const { command, lifetime, now, timeout = TIMEOUT } = settings;
  let remembered: Remembered | undefined;
  let key = "";

  const askAll = async (hosts: readonly string[]): Promise<Credentials | undefined> => {
    for (const host of hosts) {
      const found = await askHelper(command, host, timeout);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  const remember = (hosts: readonly string[]): Remembered => {
    const entry: Remembered = { answer: askAll(hosts), since: now(), expires: Infinity };
    entry.answer.then(
      () => {
        entry.expires = lifetime === undefined ? Infinity : now() + lifetime;
      },
      () => {
        entry.expires = now() + FAILURE_LIFETIME;
      },
    );
    return entry;
  };

  return {
    async get(hosts, signal) {
      const wanted = hosts.join(" ");
      if (remembered === undefined || key !== wanted || remembered.expires <= now()) {
        remembered = remember(hosts);
        key = wanted;
      }
      const { answer } = remembered;
      return abortable(answer, signal);
    },
    forget() {
      // Wrong credentials must not start a program for each request.
      if (remembered !== undefined && now() - remembered.since >= FAILURE_LIFETIME) remembered = undefined;
    },
  };
}

/** One run. Undefined: it has nothing for `host`. */
async function askHelper(command: string, host: string, timeout: number): Promise<Credentials | undefined> {
  const { code, output } = await runHelper(command, host, timeout);
  if (code === 0) return wrapped(command, () => parseHelperAnswer(output));
  if (saysNotFound(output)) return undefined;
  throw new CredentialError(`the credential helper ${command} failed with exit code ${String(code)}`);
}

function wrapped<T>(command: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    throw new CredentialError(`the credential helper ${command}: ${error.message}`);
  }
}

function runHelper(
  command: string,
  input: string,
  timeout: number,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    // A group of its own: what the helper starts must end with it.
    const child = spawn(command, ["get"], { stdio: ["pipe", "pipe", "ignore"], detached: true });
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (reason: string): void => {
      killGroup(child);
      reject(new CredentialError(`the credential helper ${command} ${reason}`));
    };
    const timer = setTimeout(() => fail(`didn't answer within ${timeout / SECOND} s`), timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(errnoOf(error) === "ENOENT" ? "isn't installed, or not on the PATH" : `can't be started (${error.message})`);
    });
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) fail(`printed more than ${MAX_OUTPUT} bytes`);
      else chunks.push(chunk);
    });
    // It may not read its input at all.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${input}\n`);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
