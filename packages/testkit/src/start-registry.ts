import { PROGRAM } from "./project.js";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { createAccessController, type AccessController } from "@longshore/auth";
import {
  createApp,
  createClientAddresses,
  loadConfig,
  openConsole,
  silentLog,
  type AppDependencies,
  type ConsoleOptions,
  type Log,
  type OpenConsole,
} from "@longshore/registry";
import { createDriver, openRecords, openRegistry, type RegistryOptions, type StorageDriver } from "@longshore/storage";
import { stringify } from "yaml";
import { createHttpClient, type HttpClient } from "./http-client.js";
import { startDaemon } from "./processes.js";
import { makeTemporaryFolder } from "./temporary-folder.js";
import { azureParameters, startAzurite } from "./azure/azurite.js";
import { gcsParameters, startGcs } from "./gcs/server.js";
import { createS3Client, s3Parameters, startS3Server, type S3Server } from "./s3/server.js";

/** The storages that API tests can run on anywhere; `s3` uses our stand-in. */
export const STORAGES = ["inmemory", "filesystem", "s3"] as const;
/** The last one needs the peer `ceph`. */
export type Storage = (typeof STORAGES)[number] | "azure" | "gcs" | "s3 (Ceph)";

/** A part of a configuration: objects are merged, undefined removes a key, everything else replaces. */
type Overrides = Readonly<Record<string, unknown>>;

export interface ApiSettings {
  readonly storage?: Storage;
  /** Merged into a configuration with deletion enabled. */
  readonly config?: Overrides;
  /** How long the form of a token request may take to arrive (ms). */
  readonly formTimeout?: number;
  readonly registry?: RegistryOptions;
  /** Default: `none`. */
  readonly auth?: { readonly type: string; readonly parameters: unknown };
  /** In place of the one that `auth` names. */
  readonly access?: AccessController;
  /** The folder that the console was built to; undefined: no console is served. */
  readonly consoleFolder?: string;
  /** Puts something between the stores and the driver, such as a fault or a counter. */
  readonly wrapDriver?: (driver: StorageDriver) => StorageDriver;
  readonly log?: Log;
}

/** The API alone, in this process, behind a real socket. */
export interface RunningApi extends AsyncDisposable {
  readonly client: HttpClient;
  readonly driver: StorageDriver;
  readonly server: Server;
  /** Every file of the storage with its size, sorted. */
  inventory(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Signs upload states in tests by default. */
export const SECRET = "a secret for the tests";

/**
 * What `createApp` needs from a configuration with deletion enabled and `config` merged into it; the other defaults are the
 * schema's.
 */
export function apiSettings(
  config: Overrides = {},
): Pick<AppDependencies & ConsoleOptions, "config" | "secret" | "clients" | "canRedirect"> {
  const base = { version: "0.1", storage: { inmemory: {}, delete: { enabled: true } }, http: { secret: SECRET } };
  const text = stringify(merge(base, config));
  const loaded = loadConfig({ text, file: "config.yml", environment: {}, machine: { cores: 1 } });
  if (loaded.config === undefined) throw new Error(loaded.errors.map(({ message }) => message).join("\n"));
  const { http } = loaded.config;
  return {
    config: loaded.config,
    secret: http.secret?.reveal() ?? "",
    clients: createClientAddresses(http.trustedproxies),
    canRedirect: false,
  };
}

/** ms; as `http.limits.idletimeout` has it. */
const KEEP_ALIVE = 120_000;

/** Starts the API over its own driver, on a port that the system chooses. */
export async function startApi(settings: ApiSettings = {}): Promise<RunningApi> {
  const storage = await openStorage(settings.storage ?? "inmemory");
  const driver = settings.wrapDriver?.(storage.driver) ?? storage.driver;
  const auth = settings.auth ?? { type: "none", parameters: {} };
  const access = settings.access ?? (await createAccessController(auth.type, auth.parameters));
  const log = settings.log ?? silentLog;
  const common = apiSettings(settings.config);
  const folder = settings.consoleFolder;
  const opened: Partial<OpenConsole> =
    folder === undefined
      ? {}
      : openConsole({ ...common, access, records: openRecords(driver), version: "1", clock: Date.now, log, folder });
  const app = createApp({
    registry: openRegistry(driver, settings.registry),
    access: opened.access ?? access,
    console: opened.console,
    ...common,
    formTimeout: settings.formTimeout,
    log,
  });
  // Node's default of five seconds would close a connection while a test is busy with something else.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, app.onRequest).on("checkContinue", app.onRequest);
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
  return { client, driver, server, inventory: storage.inventory, stop, [Symbol.asyncDispose]: stop };
}

interface OpenStorage extends AsyncDisposable {
  readonly driver: StorageDriver;
  readonly inventory: () => Promise<readonly string[]>;
}

/** A driver over new, empty storage, which is removed with it. */
async function openStorage(storage: Storage): Promise<OpenStorage> {
  if (storage === "inmemory" || storage === "filesystem") {
    const folder = await makeTemporaryFolder("api");
    const driver = await createDriver(storage, storage === "inmemory" ? {} : { rootdirectory: `${folder.path}/data` });
    return {
      driver,
      inventory: () => inventoryOf(driver, "/"),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  }
  if (storage === "azure") {
    const azurite = await startAzurite();
    const container = await azurite.newContainer();
    return {
      driver: await createDriver("azure", azureParameters(azurite, container)),
      inventory: () => azurite.inventory(container),
      [Symbol.asyncDispose]: () => azurite.stop(),
    };
  }
  if (storage === "gcs") {
    const gcs = await startGcs();
    const bucket = gcs.newBucket();
    return {
      driver: await createDriver("gcs", gcsParameters(gcs, bucket)),
      inventory: () => Promise.resolve(gcs.inventory(bucket)),
      [Symbol.asyncDispose]: () => gcs.stop(),
    };
  }
  const server = await startS3Server(storage === "s3" ? "stand-in" : "ceph");
  const bucket = await server.newBucket();
  const driver = await createDriver("s3", s3Parameters(server, bucket));
  return { driver, inventory: () => objectsOf(server, bucket), [Symbol.asyncDispose]: () => server.stop() };
}

async function inventoryOf(driver: StorageDriver, path: string): Promise<readonly string[]> {
  const files: string[] = [];
  const { names } = await driver.list(path);
  for (const name of names) {
    const child = path === "/" ? `/${name}` : `${path}/${name}`;
    const info = await driver.stat(child);
    if (info.isDirectory) files.push(...(await inventoryOf(driver, child)));
    else files.push(`${child} ${info.size}`);
  }
  return files;
}

/** One request per thousand objects; the driver would need three for each directory. */
async function objectsOf(server: S3Server, bucket: string): Promise<readonly string[]> {
  const client = createS3Client(server);
  try {
    const files: string[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      for (const { Key = "", Size = 0 } of page.Contents ?? []) files.push(`/${Key} ${Size}`);
    }
    return files;
  } finally {
    client.destroy();
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

export interface ProcessSettings {
  /** Merged into a configuration with deletion enabled, port 0 and the filesystem driver. */
  readonly config?: Overrides;
  readonly env?: Readonly<Record<string, string>>;
  /** The storage folder; by default a temporary one that is removed at the end. */
  readonly root?: string;
  /** The program that runs it; by default the Node of the tests. */
  readonly node?: string;
}

/** The registry in a separate process, as users run it. */
export interface RunningRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly client: HttpClient;
  readonly pid: number;
  readonly root: string;
  /** Everything it has written so far. */
  logs(): string;
  /** SIGTERM; resolves with the exit code, null if a signal ended it. `grace`: ms until SIGKILL. */
  stop(grace?: number): Promise<number | null>;
}

/** The start-up line, with the port that the system chose. */
const LISTENING = /listening on (?:https?:\/\/)?(?:127\.0\.0\.1|\[::\]|0\.0\.0\.0):(\d+)/;

/** Starts `registry serve` and waits until it reports that it is listening. Throws with its output if it doesn't. */
export async function startRegistry(settings: ProcessSettings = {}): Promise<RunningRegistry> {
  const folder = await makeTemporaryFolder("registry");
  const root = settings.root ?? `${folder.path}/data`;
  await mkdir(root, { recursive: true });
  const path = `${folder.path}/config.yml`;
  await writeFile(path, stringify(merge(defaultConfig(root), settings.config ?? {})));
  try {
    const daemon = await startDaemon(settings.node ?? process.execPath, [PROGRAM, "serve", path], {
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
    http: { addr: "127.0.0.1:0", secret: SECRET, workers: 1 },
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
