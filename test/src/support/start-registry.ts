import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createAccessController, type AccessController } from "@longshore/auth";
import { createApp, silentLog, type ApiOptions, type Log } from "@longshore/registry";
import { createDriver, openRegistry, type RegistryOptions, type StorageDriver } from "@longshore/storage";
import { stringify } from "yaml";
import { createHttpClient, type HttpClient } from "./http-client.js";
import { makeTemporaryFolder, startDaemon } from "./processes.js";
import { s3Parameters, startS3Server } from "./s3/server.js";

/** The storages that API tests run on anywhere; `s3` is over our stand-in. */
export const STORAGES = ["inmemory", "filesystem", "s3"] as const;
/** The last one needs the peer `ceph`. */
export type Storage = (typeof STORAGES)[number] | "s3 (Ceph)";

export interface ApiSettings {
  readonly storage?: Storage;
  readonly options?: Partial<ApiOptions>;
  readonly registry?: RegistryOptions;
  /** `none` unless told. */
  readonly auth?: { readonly type: string; readonly parameters: unknown };
  /** Instead of one that `auth` names. */
  readonly access?: AccessController;
  /** Puts something between the stores and the driver: a fault, a count. */
  readonly wrapDriver?: (driver: StorageDriver) => StorageDriver;
  readonly log?: Log;
}

/** The API alone, in this process, behind a real socket. */
export interface RunningApi extends AsyncDisposable {
  readonly client: HttpClient;
  readonly driver: StorageDriver;
  readonly server: Server;
  stop(): Promise<void>;
}

/** What the tests' API does where a test says nothing: everything is allowed, nothing takes long. */
export const API_OPTIONS: ApiOptions = {
  prefix: "/",
  host: undefined,
  relativeUrls: false,
  headers: {},
  secret: "a secret for the tests",
  deleteEnabled: true,
  readOnly: false,
  redirect: false,
  catalogMaxEntries: 1000,
  tagsMaxTags: 1000,
  manifestMaxBytes: 4 * 1024 * 1024,
  chunkMinLength: undefined,
  bodyIdleTimeout: 10_000,
  sendTimeout: 10_000,
};

/** Starts the API over a driver of its own, on a port that the system chooses. */
export async function startApi(settings: ApiSettings = {}): Promise<RunningApi> {
  const storage = await openStorage(settings.storage ?? "inmemory");
  const driver = settings.wrapDriver?.(storage.driver) ?? storage.driver;
  const auth = settings.auth ?? { type: "none", parameters: {} };
  const access = settings.access ?? (await createAccessController(auth.type, auth.parameters));
  const app = createApp({
    registry: openRegistry(driver, settings.registry),
    access,
    options: { ...API_OPTIONS, ...settings.options },
    log: settings.log ?? silentLog,
  });
  const server = createServer(app.onRequest).on("checkContinue", app.onCheckContinue);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = createHttpClient(`http://127.0.0.1:${portOf(server)}`);
  const stop = async (): Promise<void> => {
    client.close();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    await access.close();
    await driver.close();
    await storage[Symbol.asyncDispose]();
  };
  return { client, driver, server, stop, [Symbol.asyncDispose]: stop };
}

/** A driver over something new and empty, which goes with it. */
async function openStorage(storage: Storage): Promise<{ driver: StorageDriver } & AsyncDisposable> {
  if (storage === "inmemory" || storage === "filesystem") {
    const folder = await makeTemporaryFolder("api");
    const driver = await createDriver(storage, storage === "inmemory" ? {} : { rootdirectory: `${folder.path}/data` });
    return { driver, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }
  const server = await startS3Server(storage === "s3" ? "stand-in" : "ceph");
  const driver = await createDriver("s3", s3Parameters(server, await server.newBucket()));
  return { driver, [Symbol.asyncDispose]: () => server.stop() };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

/** A part of a configuration: objects are merged, undefined takes a key away, everything else replaces. */
type Overrides = Readonly<Record<string, unknown>>;

export interface ProcessSettings {
  /** Laid over a configuration with deletion on, port 0 and the filesystem driver. */
  readonly config?: Overrides;
  readonly env?: Readonly<Record<string, string>>;
  /** The storage folder; one of its own, removed at the end, unless told. */
  readonly root?: string;
}

/** The registry in a process of its own, as users run it. */
export interface RunningRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly client: HttpClient;
  readonly pid: number;
  readonly root: string;
  /** Everything it wrote so far. */
  logs(): string;
  /** SIGTERM; resolves with the exit code, null where a signal ended it. `grace` in ms until SIGKILL. */
  stop(grace?: number): Promise<number | null>;
}

const PROGRAM = fileURLToPath(new URL("../../../packages/registry/bin/registry.js", import.meta.url));

/** What the start-up line says, with the port that the system chose. */
const LISTENING = /listening on (?:https?:\/\/)?(?:127\.0\.0\.1|\[::\]|0\.0\.0\.0):(\d+)/;

/** Starts `registry serve` and waits until it says that it listens. Throws with its output where it doesn't. */
export async function startRegistry(settings: ProcessSettings = {}): Promise<RunningRegistry> {
  const folder = await makeTemporaryFolder("registry");
  const root = settings.root ?? `${folder.path}/data`;
  await mkdir(root, { recursive: true });
  const path = `${folder.path}/config.yml`;
  await writeFile(path, stringify(merge(defaultConfig(root), settings.config ?? {})));
  try {
    const daemon = await startDaemon(process.execPath, [PROGRAM, "serve", path], {
      ...(settings.env === undefined ? {} : { env: settings.env }),
      ready: (output) => LISTENING.test(output),
    });
    const [, port = ""] = LISTENING.exec(daemon.output()) ?? [];
    const tls = /tls=true|https:\/\//.test(daemon.output());
    const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
    const client = createHttpClient(url);
    const stop = async (grace?: number): Promise<number | null> => {
      client.close();
      return daemon.stop(grace);
    };
    return {
      url,
      client,
      pid: daemon.pid,
      root,
      logs: () => daemon.output(),
      stop,
      async [Symbol.asyncDispose]() {
        await stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

function defaultConfig(root: string): Overrides {
  return {
    version: 0.1,
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0", secret: API_OPTIONS.secret, workers: 1 },
  };
}

function isObject(value: unknown): value is Overrides {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: Overrides, over: Overrides): Overrides {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    if (value === undefined) merged.delete(key);
    else merged.set(key, isObject(before) && isObject(value) ? merge(before, value) : value);
  }
  return Object.fromEntries(merged);
}
