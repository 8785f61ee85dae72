import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { freePort } from "@longshore/testkit/loopback";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import { BenchRefused } from "./programs.js";

/** A registry under measurement. */
export interface Target extends AsyncDisposable {
  readonly name: "docker-registry" | "longshore";
  /** The process at the root of its tree. */
  readonly pid: number;
  readonly origin: string;
  /** The storage's root directory on disk. */
  readonly root: string;
}

/** How a registry is started: the program and the arguments before the configuration's path. */
export interface Launcher {
  readonly name: Target["name"];
  readonly program: string;
  readonly args: readonly string[];
  /** Environment variables that make it a single process, where it would be several. */
  readonly alone?: Readonly<Record<string, string>>;
}

// The original image's default configuration, word for word but for the address and the directory, which the environment gives.
const CONFIG = `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`;

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 30_000;

/** Our registry as it is built. Throws {@link BenchRefused} when it isn't. */
export function ours(): Launcher {
  const main = fileURLToPath(new URL("../../../packages/registry/bin/registry.js", import.meta.url));
  if (!existsSync(main)) {
    throw new BenchRefused(`this benchmark needs the built registry at ${main}; run npm run build first`);
  }
  return { name: "longshore", program: process.execPath, args: [main, "serve"], alone: { REGISTRY_HTTP_WORKERS: "1" } };
}

/** Debian's docker-registry at this path. */
export function theirs(program: string): Launcher {
  return { name: "docker-registry", program, args: ["serve"] };
}

/**
 * Starts a registry on a fresh folder below `folder` and waits until it answers; its log goes to a file there.
 * `environment` and `more` (YAML) add to its configuration.
 */
export async function start(
  launcher: Launcher,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
  more = "",
): Promise<Target> {
  const home = join(folder, launcher.name);
  const root = join(home, "data");
  await mkdir(root, { recursive: true });
  const config = join(folder, "config.yml");
  await writeFile(config, CONFIG + more);
  const port = await freePort();
  const logPath = join(home, "log");
  await using log = await open(logPath, "w");
  const child = spawn(launcher.program, [...launcher.args, config], {
    stdio: ["ignore", log.fd, log.fd],
    env: {
      ...process.env,
      REGISTRY_HTTP_ADDR: `127.0.0.1:${port}`,
      REGISTRY_HTTP_SECRET: "the same on both sides",
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: root,
      ...environment,
    },
  });
  const exited = once(child, "exit").then(
    () => true,
    () => true,
  );
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  };
  const origin = `http://127.0.0.1:${port}`;
  try {
    await untilAnswered(`${origin}/v2/`, exited);
  } catch (error) {
    await stop();
    throw new Error(`${launcher.name} did not start:\n${await readFile(logPath, "utf8")}`, { cause: error });
  }
  return { name: launcher.name, pid: child.pid ?? -1, origin, root, [Symbol.asyncDispose]: stop };
}

/** Waits until a server answers 200 or 401 at `url`. Throws if it doesn't, or when its process has `exited`. */
export async function untilAnswered(url: string, exited: Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let cause: unknown;
  while (Date.now() < deadline) {
    try {
      const response = await request(url);
      await response.body.dump();
      if (response.statusCode === 200 || response.statusCode === 401) {
        return;
      }
      cause = new Error(`GET ${url} answered ${response.statusCode}`);
    } catch (error) {
      cause = error;
    }
    if (await Promise.race([exited, delay(5, false)])) {
      throw new Error("it ended at once");
    }
  }
  throw new Error(`no 200 from ${url} in ${START_LIMIT_MS} ms`, { cause });
}
