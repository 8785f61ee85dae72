import {
  digestOf,
  indexOf,
  makeImage,
  manifestOf,
  describeContent,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
} from "@longshore/testkit/fixtures";
import { freePort } from "@longshore/testkit/loopback";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { commandsOver, type Command } from "./support.js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { PROGRAM } from "@longshore/testkit/project";

/** A registry that is killed and started again at the same address. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** SIGKILL, and a new start. */
  kill(): Promise<void>;
}

/** Starts a registry over `storage`, a section of the configuration. */
export async function startServer(storage: Readonly<Record<string, unknown>>): Promise<Server> {
  const port = await freePort();
  const open = (): Promise<RunningRegistry> =>
    startRegistry({
      config: {
        storage: { filesystem: undefined, redirect: { disable: true }, ...storage },
        http: { addr: `127.0.0.1:${port}` },
      },
    });
  let running = await open();
  return {
    url: `http://127.0.0.1:${port}`,
    async kill() {
      process.kill(running.pid, "SIGKILL");
      await running[Symbol.asyncDispose]();
      running = await open();
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Commands over one storage. */
interface Commands {
  readonly run: Command;
  /** Runs one that is killed after so many ms, if it hasn't ended by then. */
  killed(after: number, words: string, ...args: readonly string[]): Promise<void>;
}

/** Writes a configuration of `storage` to `path`, for commands. */
export async function commandsFor(path: string, storage: Readonly<Record<string, unknown>>): Promise<Commands> {
  await writeFile(path, JSON.stringify({ version: 0.1, storage }));
  return {
    run: commandsOver(path),
    async killed(after, words, ...args) {
      const child = spawn(process.execPath, [PROGRAM, ...words.split(" "), path, ...args], { stdio: "ignore" });
      const exited = once(child, "exit");
      const timer = setTimeout(() => child.kill("SIGKILL"), after);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** What a tag may point to: undefined is nothing. */
type Values = ReadonlySet<string | undefined>;

/** Clients that push and delete, each with its own tags, and know what was acknowledged. */
export interface Pushers {
  /** What each tag may point to now; calls that got no answer may have been done. */
  tags(): ReadonlyMap<string, Values>;
  /** Waits until so many more were acknowledged. */
  progress(count: number): Promise<void>;
  stop(): Promise<void>;
}

const TAGS = 4;

/** Starts pushing to the repository `name` through all of `urls`. */
export function startPushers(
  urls: readonly string[],
  name: string,
  { clients = 3, deletes = false }: { readonly clients?: number; readonly deletes?: boolean } = {},
): Pushers {
  const values = new Map<string, Set<string | undefined>>();
  let acknowledged = 0;
  const stopping = new AbortController();

  async function change(tag: string, value: string | undefined, work: () => Promise<number>): Promise<void> {
    const before = values.get(tag) ?? new Set<string | undefined>([undefined]);
    values.set(tag, new Set([...before, value]));
    try {
      const status = await work();
      if (status < 300) {
        values.set(tag, new Set([value]));
        acknowledged += 1;
      }
    } catch {
      // The server was killed, or the removal of the repository has ended the upload.
      await delay(20);
    }
  }

  async function client(index: number): Promise<void> {
    const tags = Array.from({ length: TAGS }, (_, each) => `p${index}-${each}`);
    for (let round = 0; !stopping.signal.aborted; round += 1) {
      const url = urls[(round + index) % urls.length] ?? "";
      const http = createHttpClient(url);
      const tag = tags[round % TAGS] ?? "";
      try {
        const known = [...(values.get(tag) ?? [])];
        const [digest] = known;
        if (deletes && round % 5 === 4 && known.length === 1 && digest !== undefined) {
          const path = `/v2/${name}/manifests/${digest}`;
          await change(tag, undefined, async () => {
            const { status } = await http.ask({ method: "DELETE", path });
            return status;
          });
        } else await push(http, tag, round % 3 === 2);
      } finally {
        http.close();
      }
    }
  }

  async function push(http: HttpClient, tag: string, isIndex: boolean): Promise<void> {
    const images = Array.from({ length: isIndex ? 2 : 1 }, () => makeImage());
    const [first] = images;
    if (first === undefined) throw new Error("unreachable");
    const index = manifestOf(indexOf(images.map(({ manifest }) => describeContent(manifest, OCI_MANIFEST))));
    const top = isIndex ? { content: index, type: OCI_INDEX } : { content: first.manifest, type: OCI_MANIFEST };
    await change(tag, top.content.digest, async () => {
      for (const { config, layers, manifest } of images) {
        for (const blob of [config, ...layers]) await pushBlob(http, name, blob);
        if (isIndex) {
          const { status } = await pushManifest(http, name, manifest, OCI_MANIFEST);
          if (status >= 300) return status;
        }
      }
      return (await pushManifest(http, name, top.content, top.type, tag)).status;
    });
  }

  const running = Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return {
    tags: () => values,
    async progress(count) {
      const until = acknowledged + count;
      while (acknowledged < until) await delay(5);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const ACCEPT = { accept: `${OCI_MANIFEST}, ${OCI_INDEX}` };

/** Where the tag points; undefined if it isn't there. Fails for any answer but these. */
export async function digestOfTag(client: HttpClient, name: string, tag: string): Promise<string | undefined> {
  const { status, headers } = await client.ask({ path: `/v2/${name}/manifests/${tag}`, headers: ACCEPT });
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`${name}:${tag}: ${status}`);
  return String(headers["docker-content-digest"]);
}

/** The tags that are listed. */
export async function tagsOf(client: HttpClient, name: string): Promise<readonly string[]> {
  const answer = await client.ask({ path: `/v2/${name}/tags/list` });
  if (answer.status === 404) return [];
  const { tags } = answer.json() as { tags: readonly string[] | null };
  return tags ?? [];
}

/** All that a pull of `reference` gets that is missing or wrong. */
export async function faultsOf(client: HttpClient, name: string, reference: string): Promise<readonly string[]> {
  const answer = await client.ask({ path: `/v2/${name}/manifests/${reference}`, headers: ACCEPT });
  if (answer.status !== 200) return [`${name}@${reference}: ${answer.status}`];
  const {
    config,
    layers = [],
    manifests = [],
  } = answer.json() as Record<string, { digest: string }[]> & {
    config?: { digest: string };
  };
  const faults: string[] = [];
  for (const { digest } of manifests) faults.push(...(await faultsOf(client, name, digest)));
  for (const { digest } of [...(config === undefined ? [] : [config]), ...layers]) {
    const blob = await client.ask({ path: `/v2/${name}/blobs/${digest}` });
    if (blob.status !== 200 || digestOf(blob.body) !== digest)
      faults.push(`${digest} of ${name}@${reference}: ${blob.status}`);
  }
  return faults;
}
