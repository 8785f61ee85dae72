import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { run, startDaemon, type Daemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startS3Server, type S3Kind } from "@longshore/testkit/s3/server";
import { PROGRAM } from "@longshore/testkit/project";

const PROJECT = new URL("../../../", import.meta.url);
const CONFIGURATION = fileURLToPath(new URL("config/cluster.yml", PROJECT));
const BALANCER = new URL("deploy/cluster/nginx.conf", PROJECT);
const MAKE_BUCKET = fileURLToPath(new URL("deploy/cluster/make-bucket.mjs", PROJECT));
const BUCKET = "registry";
const REPLICAS = 3;

/** One of the replicas. */
interface Replica {
  /** `127.0.0.1:<port>`; stays the same when it is started anew. */
  readonly address: string;
  readonly pid: number;
  logs(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** What docker-compose.yml's profile "cluster" starts, on the loopback address and without containers. */
export interface Cluster extends AsyncDisposable {
  /** Of the balancer. */
  readonly host: string;
  readonly client: HttpClient;
  readonly replicas: readonly Replica[];
  /** A file that the test may use. */
  readonly folder: string;
  /** The balancer's access log: a request a line, with the replica that answered at its end. */
  balancerLog(): Promise<string>;
  /** Redis goes away, without a word. */
  killRedis(): Promise<void>;
}

/** Starts the cluster from the project's own files, with real nginx and Redis (peers), over an S3 server. */
export async function startCluster(kind: S3Kind): Promise<Cluster> {
  await using stack = new Stack();
  const folder = stack.use(await makeTemporaryFolder("cluster")).path;
  const s3 = stack.use(await startS3Server(kind));
  await run(process.execPath, [MAKE_BUCKET], {
    env: {
      S3_ENDPOINT: s3.endpoint,
      S3_REGION: s3.region,
      S3_BUCKET: BUCKET,
      S3_ACCESS_KEY: s3.accessKey,
      S3_SECRET_KEY: s3.secretKey,
    },
  });
  const redisPort = await freePort();
  const redis = stack.useDaemon(await startRedis(redisPort, folder));
  const environment = {
    REGISTRY_STORAGE_S3_REGIONENDPOINT: s3.endpoint,
    REGISTRY_STORAGE_S3_ACCESSKEY: s3.accessKey,
    REGISTRY_STORAGE_S3_SECRETKEY: s3.secretKey,
    REGISTRY_REDIS_ADDRS: `["127.0.0.1:${redisPort}"]`,
    REGISTRY_HTTP_SECRET: "the same secret on every replica",
    REGISTRY_HTTP_DEBUG_ADDR: "127.0.0.1:0",
    REGISTRY_HTTP_TRUSTEDPROXIES: "[127.0.0.1]",
    // Three replicas already have more processes than the machine has cores.
    REGISTRY_HTTP_WORKERS: "1",
  };
  const replicas: Replica[] = [];
  for (let index = 0; index < REPLICAS; index += 1) replicas.push(stack.use(await startReplica(environment)));
  const port = await freePort();
  stack.useDaemon(await startBalancer(port, replicas, folder));
  const host = `127.0.0.1:${port}`;
  const client = createHttpClient(`http://${host}`);
  const owned = stack.move();
  return {
    host,
    client,
    replicas,
    folder,
    balancerLog: () => readFile(accessLog(folder), "utf8"),
    killRedis: async () => {
      process.kill(redis.pid, "SIGKILL");
      await redis.stop();
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await owned[Symbol.asyncDispose]();
    },
  };
}

function startRedis(port: number, folder: string): Promise<Daemon> {
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", "", "--appendonly", "no"];
  return startDaemon("redis-server", settings, { ready: (output) => output.includes("Ready to accept connections") });
}

async function startReplica(environment: Readonly<Record<string, string>>): Promise<Replica & AsyncDisposable> {
  const address = `127.0.0.1:${await freePort()}`;
  const serve = (): Promise<Daemon> =>
    startDaemon(process.execPath, [PROGRAM, "serve", CONFIGURATION], {
      env: { ...environment, REGISTRY_HTTP_ADDR: address },
      ready: (output) => output.includes(`listening on ${address}`),
    });
  let daemon = await serve();
  return {
    address,
    get pid() {
      return daemon.pid;
    },
    logs: () => daemon.output(),
    kill: async () => {
      process.kill(daemon.pid, "SIGKILL");
      await daemon.stop();
    },
    start: async () => {
      daemon = await serve();
    },
    [Symbol.asyncDispose]: async () => void (await daemon.stop()),
  };
}

function accessLog(folder: string): string {
  return join(folder, "access.log");
}

/** nginx with the project's file; only addresses are replaced, and where nginx keeps its own files is added. */
async function startBalancer(port: number, replicas: readonly Replica[], folder: string): Promise<Daemon> {
  let text = await readFile(BALANCER, "utf8");
  const replace = (what: string, by: string): void => {
    if (!text.includes(what)) throw new Error(`nginx.conf has no ${JSON.stringify(what)}`);
    text = text.replace(what, by);
  };
  replicas.forEach(({ address }, index) => replace(`server replica-${index + 1}:5000 `, `server ${address} `));
  replace("listen 5000;", `listen 127.0.0.1:${port};`);
  // A daemon's output is a socket here, which has no name to open.
  replace("access_log /dev/stdout ", `access_log ${accessLog(folder)} `);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  replace("\nhttp {\n", `\nhttp {\n${kinds.map((kind) => `  ${kind}_temp_path ${folder}/nginx/${kind};\n`).join("")}`);
  await mkdir(join(folder, "nginx"));
  const file = join(folder, "nginx.conf");
  await writeFile(file, text);
  const directives = `daemon off; pid ${folder}/nginx.pid;${process.getuid?.() === 0 ? " user root;" : ""}`;
  return startDaemon("nginx", ["-p", folder, "-c", file, "-g", directives], {
    ready: async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok,
  });
}

/** Releases what it was given, the last one first, unless it was moved. */
class Stack implements AsyncDisposable {
  #owned: AsyncDisposable[] = [];

  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    this.#owned.push(resource);
    return resource;
  }

  useDaemon(daemon: Daemon): Daemon {
    this.use({ [Symbol.asyncDispose]: async () => void (await daemon.stop()) });
    return daemon;
  }

  /** Another stack with all of it; this one keeps nothing. */
  move(): Stack {
    const moved = new Stack();
    moved.#owned = this.#owned;
    this.#owned = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resource of this.#owned.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  }
}
