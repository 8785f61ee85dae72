import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";

/** A registry with notifications, ours or Debian's build of Distribution. */
export interface NotifyingRegistry extends AsyncDisposable {
  readonly kind: "longshore" | "docker-registry";
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly client: HttpClient;
  readonly root: string;
  output(): string;
  stop(): Promise<number | null>;
}

export interface SiteOptions {
  readonly kind?: NotifyingRegistry["kind"];
  readonly workers?: number;
  /** The section of the configuration. */
  readonly notifications: unknown;
  /** Laid over the `http` section. */
  readonly http?: Readonly<Record<string, unknown>>;
}

/** Starts a registry on the filesystem driver, with deletion on, and waits until it answers. */
export async function startNotifying(options: SiteOptions): Promise<NotifyingRegistry> {
  const { kind = "longshore", workers = 1 } = options;
  const folder = await makeTemporaryFolder("notifying");
  const root = `${folder.path}/data`;
  const host = `127.0.0.1:${await freePort()}`;
  const configuration = `${folder.path}/config.yml`;
  const ours = kind === "longshore" ? { workers } : {};
  await writeFile(
    configuration,
    stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
      http: { addr: host, secret: "a secret for the tests", ...ours, ...options.http },
      notifications: options.notifications,
    }),
  );
  const [program, ...script] = kind === "longshore" ? [process.execPath, PROGRAM] : [kind];
  const daemon = await startDaemon(program, [...script, "serve", configuration], {
    ready: async () => (await fetch(`http://${host}/v2/`)).status === 200,
  }).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]();
    throw error;
  });
  const client = createHttpClient(`http://${host}`);
  const stop = (): Promise<number | null> => {
    client.close();
    return daemon.stop();
  };
  return {
    kind,
    host,
    client,
    root,
    output: () => daemon.output(),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
