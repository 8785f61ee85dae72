import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";

/** A registry in a process (or several) of its own, with its two logs apart. */
export interface ServedRegistry extends AsyncDisposable {
  readonly pid: number;
  /** The port of the start-up line; 0 on a unix socket. */
  readonly port: number;
  readonly folder: string;
  /** The access log. */
  stdout(): string;
  /** The application log. */
  stderr(): string;
  /** Resolves with the log when it has `text` in it. */
  logged(text: string | RegExp): Promise<string>;
  /** Closes the other end of both logs. */
  dropLogs(): void;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
}

export interface ServeOptions {
  readonly http?: Readonly<Record<string, unknown>>;
  /** Over the rest of the file. */
  readonly rest?: Readonly<Record<string, unknown>>;
  /** Files to lie beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly nodeOptions?: string;
  /** Variables beside those of the tests' own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a registry over a folder of its own and waits until it listens. `FOLDER/` in the configuration is that folder. */
export async function serveRegistry(options: ServeOptions = {}): Promise<ServedRegistry> {
  const temporary = await makeTemporaryFolder("server");
  const folder = temporary.path;
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
  const configuration = join(folder, "config.yml");
  const file = {
    version: 0.1,
    log: { fields: { service: "registry" } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    ...options.rest,
    http: { addr: "127.0.0.1:0", secret: "a secret for the tests", workers: 1, ...options.http },
  };
  await writeFile(configuration, stringify(file).replaceAll("FOLDER/", `${folder}/`));
  const child = spawn(process.execPath, [PROGRAM, "serve", configuration], {
    env: { ...process.env, ...options.environment, NODE_OPTIONS: options.nodeOptions ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logs = watch(child);
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const stopAndRemove = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
    await temporary[Symbol.asyncDispose]();
  };
  try {
    const listening = logs.until(/listening on ([^" ,]+)/, "stderr");
    const log = await Promise.race([
      listening,
      exited.then((code) =>
        Promise.reject(new Error(`exit ${String(code)} before it listened\n${logs.text("stderr")}`)),
      ),
    ]);
    const address = /msg"?[=:]"listening on ([^" ,]+)/.exec(log)?.[1] ?? "";
    return {
      pid: child.pid ?? -1,
      port: Number(/:(\d+)$/.exec(address)?.[1] ?? 0),
      folder,
      stdout: () => logs.text("stdout"),
      stderr: () => logs.text("stderr"),
      logged: (text) => logs.until(text, "stderr"),
      dropLogs() {
        child.stdout.destroy();
        child.stderr.destroy();
      },
      kill: (signal) => child.kill(signal),
      exited,
      [Symbol.asyncDispose]: stopAndRemove,
    };
  } catch (error) {
    await stopAndRemove();
    throw error;
  }
}

type LogName = "stdout" | "stderr";

/** Keeps what a process says and tells when it has said something. */
function watch(child: ChildProcess): {
  text(name: LogName): string;
  until(pattern: string | RegExp, name: LogName): Promise<string>;
} {
  const texts = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      texts[name] += chunk;
      for (const check of waiting) check();
    });
  }
  return {
    text: (name) => texts[name],
    until: (pattern, name) =>
      new Promise((resolve) => {
        const check = (): void => {
          // Whole lines only: a chunk may end in the middle of one.
          const text = texts[name].slice(0, texts[name].lastIndexOf("\n") + 1);
          const found = typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
          if (!found) return;
          waiting.delete(check);
          resolve(text);
        };
        waiting.add(check);
        check();
      }),
  };
}
