import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer, request, type RequestListener } from "node:http";
import type { Server } from "node:net";
import { join } from "node:path";
import { digestOf } from "@longshore/testkit/fixtures";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { peakMemory } from "../bench/process-tree.js";
import { GOOD, type Hostility } from "./hostilities.js";

const MIB = 1024 * 1024;

/** What the process may have resident at most, whatever the upstreams send. */
const MEMORY_BOUND = 300 * MIB;

const PASSWORD = "the-password-that-no-other-host-gets";

/** A server that says what it was asked: by upstreams' redirects and challenges it must not be. */
interface Witness {
  readonly port: number;
  readonly asked: readonly string[];
}

/** What a client got: `digest` only of a complete body, and status 0 where the connection broke off before any. */
interface Got {
  readonly status: number;
  readonly digest?: string;
  readonly text: string;
}

/** Bytes after which a client has seen enough of what doesn't end. */
const ENOUGH = 2 * MIB;

export function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, headers }, (response) => {
      const status = response.statusCode ?? 0;
      const hash = createHash("sha256");
      let [text, size] = ["", 0];
      response.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        size += chunk.length;
        if (text.length < 10_000) text += chunk.toString("latin1");
        if (size > ENOUGH) sent.destroy();
      });
      response.once("error", () => undefined);
      response.once("close", () =>
        resolve({ status, text, ...(response.complete ? { digest: `sha256:${hash.digest("hex")}` } : {}) }),
      );
    });
    // Broken off before the headers were sent.
    sent.once("error", () => resolve({ status: 0, text: "" }));
    sent.end();
  });
}

/** A server at an address that isn't the usual one. */
async function listenAt(server: Server, host: string): Promise<{ readonly port: number } & AsyncDisposable> {
  await once(server.listen(0, host), "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server listens on no port");
  return {
    port: bound.port,
    async [Symbol.asyncDispose]() {
      if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") {
        Reflect.apply(server.closeAllConnections, server, []);
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One mirror of many upstreams, which are all the same server: each does its own kind of harm. */
interface Scene {
  readonly mirror: RunningRegistry;
  /** The path of a repository of the upstream that does so. */
  readonly at: (kind: string) => string;
  readonly witness: Witness;
}

interface SceneOptions {
  /** Where the upstreams are, and where the witness is. */
  readonly upstream: string;
  readonly witness: string;
  readonly kinds: (witness: { readonly url: string; readonly port: number }) => Readonly<Record<string, Hostility>>;
  readonly owned: AsyncDisposable[];
}

async function openScene({ upstream, witness: place, kinds, owned }: SceneOptions): Promise<Scene> {
  const asked: string[] = [];
  const note: RequestListener = (incoming, response) => {
    asked.push(`${incoming.method ?? ""} ${incoming.url ?? ""} ${JSON.stringify(incoming.headers)}`);
    response.end(GOOD.bytes);
  };
  const seen = await listenAt(createServer(note), place);
  owned.push(seen);
  const hostilities = Object.entries(kinds({ url: `http://${place}:${seen.port}`, port: seen.port }));
  const served = await listenAt(
    createServer((incoming, response) => {
      const [, index = "", path = ""] = /^\/(\d+)(\/.*)$/.exec(incoming.url ?? "") ?? [];
      const found = hostilities[Number(index)];
      if (found === undefined) return void response.writeHead(404).end();
      found[1](`/${index}${path}`, response, incoming);
    }),
    upstream,
  );
  owned.push(served);
  const upstreams = hostilities.map((_, index) => ({
    prefix: `u${index}.test`,
    remoteurl: `http://${upstream}:${served.port}/${index}`,
    ...{ username: "ada", password: PASSWORD },
    ...{ timeout: "1s", idletimeout: "1s", connecttimeout: "1s", retries: 0 },
  }));
  const mirror = await startRegistry({ config: { proxy: { cachewritetimeout: "1s", upstreams } } });
  owned.push(mirror);
  const at = (kind: string): string =>
    `${mirror.url}/v2/u${hostilities.findIndex(([name]) => name === kind)}.test/team/app`;
  return { mirror, at, witness: { port: seen.port, asked } };
}

/** Every file below a folder; none where the folder isn't there. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** What is stored under a digest that it doesn't have. */
async function wrongBlobs({ root }: RunningRegistry): Promise<readonly string[]> {
  const files = await filesBelow(`${root}/docker/registry/v2/blobs`);
  const wrong = await Promise.all(
    files.map(async (path) => (path.includes(digestOf(await readFile(path)).slice(7)) ? [] : [path])),
  );
  return wrong.flat();
}

const ENCODED = Buffer.from(`ada:${PASSWORD}`).toString("base64");

/** A scene that is opened before a suite's tests, and closed behind them. */
export function useScene(options: Omit<SceneOptions, "owned">): () => Scene {
  const owned: AsyncDisposable[] = [];
  let scene: Scene | undefined;
  beforeAll(async () => {
    scene = await openScene({ ...options, owned });
  });
  afterAll(async () => {
    for (const each of owned.reverse()) await each[Symbol.asyncDispose]();
  });
  return () => {
    if (scene === undefined) throw new Error("the mirror has not started");
    return scene;
  };
}

/** What holds after all that upstreams have done. */
export function expectUnharmed(scene: () => Scene): void {
  it("leaves nothing wrong behind, no password in the log, and no memory taken", async () => {
    const { mirror } = scene();
    await expect
      .poll(() => filesBelow(`${mirror.root}/docker/registry/v2/longshore/mirror/downloads`), { timeout: 20_000 })
      .toEqual([]);
    expect(await wrongBlobs(mirror)).toEqual([]);
    for (const secret of [PASSWORD, ENCODED]) expect(mirror.logs()).not.toContain(secret);
    const peak = Math.max(...(await peakMemory(mirror.pid)).map(({ peakBytes }) => peakBytes));
    console.log(`peak memory ${(peak / MIB).toFixed(0)} MiB`);
    expect(peak).toBeLessThan(MEMORY_BOUND);
    expect((await mirror.client.ask({ path: "/v2/" })).status).toBe(200);
  });
}

/** An error of ours that tells no secret, or a connection that broke off: never a whole answer. */
export function expectNothing(got: Got): void {
  if (got.status < 300) expect(got.digest).toBeUndefined();
  else expect(got.status).toBeGreaterThanOrEqual(400);
  for (const secret of [PASSWORD, ENCODED]) expect(got.text).not.toContain(secret);
}
