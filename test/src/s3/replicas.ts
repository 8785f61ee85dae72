import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { type RunningRegistry, startRegistry } from "@longshore/testkit/start-registry";

type Section = Readonly<Record<string, unknown>>;

/** The storage section's entry (another driver's is in `storage`), and what else a replica is told. */
export interface ReplicaSettings {
  readonly s3?: Readonly<Record<string, unknown>>;
  /** Laid over the configuration, except for what is below. */
  readonly config?: Section;
  readonly storage?: Section;
  readonly http?: Section;
  readonly env?: Readonly<Record<string, string>>;
}

/** One of several registries over the same bucket; it keeps its address when it is started again. */
export interface Replica {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** -1 while it is down. */
  readonly pid: number;
  logs(): string;
  /** SIGKILL, as a machine that is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one replica. */
export async function startReplica({ s3, config, storage, http, env }: ReplicaSettings): Promise<Replica> {
  const port = await freePort();
  const settings = {
    config: {
      ...config,
      storage: { filesystem: undefined, s3, ...storage },
      http: { addr: `127.0.0.1:${port}`, ...http },
    },
    ...(env === undefined ? {} : { env }),
  };
  let running: RunningRegistry | undefined = await startRegistry(settings);
  let earlier = "";
  const end = async (): Promise<void> => {
    const ending = running;
    running = undefined;
    if (ending === undefined) return;
    await ending.stop();
    earlier = (earlier + ending.logs()).slice(-100_000);
    await ending[Symbol.asyncDispose]();
  };
  return {
    port,
    host: `127.0.0.1:${port}`,
    get pid() {
      return running?.pid ?? -1;
    },
    logs: () => earlier + (running?.logs() ?? ""),
    async kill() {
      if (running !== undefined) process.kill(running.pid, "SIGKILL");
      await end();
    },
    async start() {
      running ??= await startRegistry(settings);
    },
    stop: end,
  };
}

/** Some replicas behind nginx. */
export interface Cluster extends AsyncDisposable {
  /** nginx: `127.0.0.1:<port>`. */
  readonly host: string;
  readonly replicas: readonly Replica[];
}

/**
 * Starts replicas with one secret, and nginx in front that sends each request to the next one, over a connection of its own:
 * two requests in a row never meet the same replica.
 */
export async function startCluster(count: number, settings: ReplicaSettings): Promise<Cluster> {
  const replicas = await Promise.all(Array.from({ length: count }, () => startReplica(settings)));
  const folder = await makeTemporaryFolder("nginx");
  const port = await freePort();
  await mkdir(join(folder.path, "logs"));
  await writeFile(join(folder.path, "nginx.conf"), configure(folder.path, port, replicas));
  const nginx = await startDaemon("nginx", ["-p", folder.path, "-c", join(folder.path, "nginx.conf")], {
    ready: async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok,
  });
  return {
    host: `127.0.0.1:${port}`,
    replicas,
    async [Symbol.asyncDispose]() {
      await nginx.stop();
      await Promise.all(replicas.map((replica) => replica.stop()));
      await folder[Symbol.asyncDispose]();
    },
  };
}

function configure(folder: string, port: number, replicas: readonly Replica[]): string {
  return `daemon off; error_log stderr warn; pid ${folder}/nginx.pid; worker_processes 1; user root;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream replicas {
${replicas.map(({ host }) => `    server ${host} max_fails=0;`).join("\n")}
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection close;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 900;
    }
  }
}
`;
}
