import { writeFile } from "node:fs/promises";
import { createServer, connect, type Socket } from "node:net";
import { freePort, listen } from "@longshore/testkit/loopback";
import { attempt, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

/** A Redis of the test's own. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly address: string;
  /** SIGKILL; what it keeps on disk stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it kept. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay, and nobody answers. */
  pause(): void;
  resume(): void;
  /** What `redis-cli` prints. */
  cli(...args: readonly string[]): Promise<string>;
}

export interface RedisServerSettings {
  readonly program?: "redis-server" | "redis-sentinel";
  /** Lines of its configuration. */
  readonly config?: readonly string[];
  /** How `redis-cli` gets in. */
  readonly login?: readonly string[];
  /** Another way to listen than on its port. */
  readonly listens?: boolean;
}

/** Starts `redis-server`, or a sentinel, on a port of the loopback address. */
export async function startRedis(settings: RedisServerSettings = {}): Promise<RedisServer> {
  const { program = "redis-server", login = [], config = [] } = settings;
  const folder = await makeTemporaryFolder("redis");
  const port = await freePort();
  const path = `${folder.path}/redis.conf`;
  const own = program === "redis-server" ? ['save ""'] : [];
  const listen = settings.listens === false ? [] : [`port ${port}`];
  await writeFile(
    path,
    [...listen, "bind 127.0.0.1", `dir ${folder.path}`, "protected-mode no", ...own, ...config, ""].join("\n"),
  );
  const cli = async (...args: readonly string[]): Promise<string> => {
    const result = await attempt("redis-cli", ["-p", String(port), ...login, ...args], { timeout: 10_000 });
    return result.stdout.trim();
  };
  const start = () =>
    startDaemon(program, [path], {
      ready: async () => /PONG|NOAUTH/.test(await cli("ping")),
      timeout: 20_000,
    });
  let daemon = await start();
  let isPaused = false;
  const server: RedisServer = {
    port,
    address: `127.0.0.1:${port}`,
    async kill() {
      process.kill(daemon.pid, "SIGKILL");
      await daemon.stop();
    },
    async restart() {
      daemon = await start();
    },
    pause() {
      isPaused = true;
      process.kill(daemon.pid, "SIGSTOP");
    },
    resume() {
      isPaused = false;
      process.kill(daemon.pid, "SIGCONT");
    },
    cli,
    async [Symbol.asyncDispose]() {
      if (isPaused) server.resume();
      await daemon.stop(5000);
      await folder[Symbol.asyncDispose]();
    },
  };
  return server;
}

/** A way to a server that can be cut. */
export interface Line extends AsyncDisposable {
  readonly address: string;
  cut(): void;
  mend(): void;
}

/** A line to a port of the loopback address. */
export async function openLine(port: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listening = await listen(server);
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: listening.host,
    cut,
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      cut();
      await listening.close();
    },
  };
}
