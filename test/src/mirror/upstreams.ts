import { writeFile } from "node:fs/promises";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { run, startDaemon, type Daemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { stringify } from "yaml";

/** Debian's build of Distribution, as an upstream or as a cache of one. */
export interface Distribution extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly url: string;
  readonly client: HttpClient;
  /** Its storage folder. */
  readonly root: string;
  /** Everything it wrote so far: one line for each request. */
  output(): string;
  stop(): Promise<void>;
  /** Again on the same port, over the same storage. */
  start(): Promise<void>;
}

/** The user whom upstreams with `htpasswd` know. */
export const USER = { username: "puller", password: "the upstream's password" } as const;

const BASIC = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString("base64")}`;

export interface DistributionOptions {
  /** Asks for {@link USER}. */
  readonly htpasswd?: boolean;
  /** Its `auth.token`: asks for tokens. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** A storage folder that is there already. */
  readonly root?: string;
  readonly proxy?: unknown;
  /** The address of its debug server. */
  readonly debug?: string;
}

export async function startDistribution(options: DistributionOptions = {}): Promise<Distribution> {
  const folder = await makeTemporaryFolder("upstream");
  const root = options.root ?? `${folder.path}/data`;
  const host = `127.0.0.1:${await freePort()}`;
  const configuration = `${folder.path}/config.yml`;
  const passwords = `${folder.path}/htpasswd`;
  if (options.htpasswd === true) await run("htpasswd", ["-Bbc", passwords, USER.username, USER.password]);
  await writeFile(
    configuration,
    stringify({
      version: 0.1,
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
      http: {
        addr: host,
        secret: "a secret for the tests",
        ...(options.debug === undefined ? {} : { debug: { addr: options.debug } }),
      },
      ...(options.htpasswd === true ? { auth: { htpasswd: { realm: "upstream", path: passwords } } } : {}),
      ...(options.token === undefined ? {} : { auth: { token: options.token } }),
      ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
    }),
  );
  const url = `http://${host}`;
  let before = "";
  const launch = (): Promise<Daemon> =>
    startDaemon("docker-registry", ["serve", configuration], {
      ready: async () => [200, 401].includes((await fetch(`${url}/v2/`)).status),
    });
  let daemon = await launch();
  const client = clientWith(url, options.htpasswd === true ? { authorization: BASIC } : {});
  return {
    host,
    url,
    client,
    root,
    output: () => before + daemon.output(),
    async stop() {
      await daemon.stop();
    },
    async start() {
      before += daemon.output();
      daemon = await launch();
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await daemon.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A client that sends `headers` with each request. */
function clientWith(url: string, headers: Readonly<Record<string, string>>): HttpClient {
  const client = createHttpClient(url);
  return { ...client, ask: (ask) => client.ask({ ...ask, headers: { ...headers, ...ask.headers } }) };
}
