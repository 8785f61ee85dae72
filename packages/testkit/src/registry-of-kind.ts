import { SECRET } from "./start-registry.js";
import { PROGRAM } from "./project.js";
import { rm, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { freePort } from "./loopback.js";
import { type Daemon, startDaemon } from "./processes.js";
import { makeTemporaryFolder } from "./temporary-folder.js";

/** Ours, or Debian's build of Distribution (2.8), or another one that `PEER` names, which proves the tests and exchanges data with ours. */
export type RegistryKind = "longshore" | "docker-registry";

export interface KindSettings {
  readonly kind?: RegistryKind;
  /** The storage folder. A new one is made, and removed at the end, unless it is given. */
  readonly root?: string;
  /** Shared by registries that finish each other's uploads. */
  readonly secret?: string;
  /** Laid over the `http` section. */
  readonly http?: Readonly<Record<string, unknown>>;
}

/** A registry in a process of its own, listening on the loopback address. */
export interface RegistryOfKind extends AsyncDisposable {
  readonly kind: RegistryKind;
  /** `127.0.0.1:<port>`, as it stands in an image's name. */
  readonly host: string;
  readonly root: string;
  output(): string;
  /** Ends it with SIGTERM and says its exit code. */
  stop(): Promise<number | null>;
}

/** Which registry the client suites drive: `REGISTRY_UNDER_TEST=docker-registry` proves them against Distribution. */
export function kindUnderTest(): RegistryKind {
  return process.env["REGISTRY_UNDER_TEST"] === "docker-registry" ? "docker-registry" : "longshore";
}

/** Starts a registry on the filesystem driver, with deletion on. */
export async function startRegistryOfKind(options: KindSettings = {}): Promise<RegistryOfKind> {
  const kind = options.kind ?? kindUnderTest();
  const folder = await makeTemporaryFolder("registry");
  const root = options.root ?? `${folder.path}/data`;
  const host = `127.0.0.1:${await freePort()}`;
  const configuration = `${folder.path}/config.yml`;
  await writeFile(configuration, stringify(configurationFor(host, root, options)));

  const [program, ...script] = kind === "longshore" ? [process.execPath, PROGRAM] : [process.env["PEER"] ?? kind];
  const args = [...script, "serve", configuration];
  let daemon: Daemon;
  try {
    daemon = await startDaemon(program, args, {
      ready: async () => (await fetch(`http://${host}/v2/`)).status === 200,
    });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  return {
    kind,
    host,
    root,
    output: () => daemon.output(),
    stop: () => daemon.stop(),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await rm(folder.path, { recursive: true, force: true });
    },
  };
}

function configurationFor(host: string, root: string, options: KindSettings): unknown {
  const secret = options.secret ?? SECRET;
  return {
    version: 0.1,
    log: { level: "info", fields: { service: "registry" } },
    storage: {
      cache: { blobdescriptor: "inmemory" },
      filesystem: { rootdirectory: root },
      delete: { enabled: true },
    },
    http: { addr: host, secret, headers: { "X-Content-Type-Options": ["nosniff"] }, ...options.http },
    health: { storagedriver: { enabled: true, interval: "10s", threshold: 3 } },
  };
}
