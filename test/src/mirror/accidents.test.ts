import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { createDriver, parseDigest, sizeOfBytes, type StorageDriver } from "@longshore/storage";
import { randomContent, type Content } from "@longshore/testkit/fixtures";
import { freePort, listen, type Listening } from "@longshore/testkit/loopback";
import { describePeer } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startRegistry, type ProcessSettings } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const SIZE = 24 * MIB;
/** Bytes that no socket's buffers take in before the client reads. */
const HALF = SIZE / 2;
/** Milliseconds, on a machine that does other things as well. */
const PATIENCE = 120_000;

/** A point that a test opens. */
interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function createGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** An upstream with one blob, which sends the second half of it when `gate` opens. */
interface Upstream extends Listening {
  readonly path: string;
  readonly downloads: () => number;
}

async function startUpstream({ bytes, digest }: Content, gate?: Gate, port?: number): Promise<Upstream> {
  const path = `/v2/team/app/blobs/${digest}`;
  let downloads = 0;
  const answer = async ({ method, url, headers }: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (url !== path) return void response.writeHead(404).end();
    const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    const range = start === 0 ? {} : { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start === 0 ? 200 : 206, { "content-length": bytes.length - start, ...range });
    if (method === "HEAD") return void response.end();
    downloads += 1;
    for (let at = start; at < bytes.length; at += MIB) {
      if (at >= HALF) await gate?.opened;
      if (response.destroyed) return;
      if (!response.write(bytes.subarray(at, at + MIB)))
        await Promise.race([once(response, "drain"), once(response, "close")]);
    }
    response.end();
  };
  const listening = await listen(
    createServer((incoming, response) => void answer(incoming, response)),
    port,
  );
  return { ...listening, path, downloads: () => downloads };
}

/** A client that reads `pauseAt` bytes, and the rest when it is let go on. */
interface Reader {
  /** Resolves when so many bytes are here, or the answer has ended. */
  readonly paused: Promise<void>;
  readonly goOn: () => void;
  /** Whether a complete answer with the right bytes came. */
  readonly isWhole: Promise<boolean>;
  readonly leave: () => void;
}

function read(url: string, expected: Content, pauseAt = Infinity): Reader {
  const { opened: paused, open: pause } = createGate();
  let goOn = (): void => undefined;
  const sent = request(url, { agent: false });
  const isWhole = new Promise<boolean>((resolve) => {
    sent.once("error", () => resolve(false));
    sent.once("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      goOn = () => response.resume();
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (size < pauseAt && size + chunk.length >= pauseAt) {
          response.pause();
          pause();
        }
        size += chunk.length;
      });
      response.once("error", () => undefined);
      response.once("close", () =>
        resolve(response.statusCode === 200 && response.complete && Buffer.concat(chunks).equals(expected.bytes)),
      );
    });
  });
  void isWhole.then(pause);
  sent.end();
  return { paused, goOn: () => goOn(), isWhole, leave: () => void sent.destroy() };
}

/** Where a mirror keeps what it caches; over S3 its downloads are in `directory` meanwhile. */
interface Place extends AsyncDisposable {
  settings(proxy: Readonly<Record<string, unknown>>): ProcessSettings;
  /** Whether the bytes are in the storage, whichever repository has them. */
  isStored(content: Content): Promise<boolean>;
}

/** A client that pauses for long isn't cut for that. */
const HTTP = { limits: { bodyidletimeout: "10m" } };

async function openPlace(kind: "filesystem" | "s3"): Promise<Place> {
  const folder = await makeTemporaryFolder("accidents");
  const isIn = async (driver: StorageDriver, { digest }: Content): Promise<boolean> =>
    (await sizeOfBytes(driver, parseDigest(digest))) !== undefined;
  if (kind === "filesystem") {
    const root = `${folder.path}/data`;
    const driver = await createDriver("filesystem", { rootdirectory: root });
    return {
      settings: (proxy) => ({ root, config: { http: HTTP, proxy } }),
      isStored: (content) => isIn(driver, content),
      async [Symbol.asyncDispose]() {
        await driver.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  }
  const server = await startStandIn();
  const s3 = s3Parameters(server, await server.newBucket());
  const driver = await createDriver("s3", s3);
  const storage = { filesystem: undefined, s3, redirect: { disable: true } };
  return {
    settings: (proxy) => ({ config: { storage, http: HTTP, proxy: { directory: `${folder.path}/spool`, ...proxy } } }),
    isStored: (content) => isIn(driver, content),
    async [Symbol.asyncDispose]() {
      await driver.close();
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe.each(["filesystem", "s3"] as const)("a mirror over %s", (kind) => {
  it(
    "that is killed in mid-download serves nothing of it, and the next pull works",
    async () => {
      const blob = randomContent(SIZE);
      await using place = await openPlace(kind);
      const gate = createGate();
      const upstream = await startUpstream(blob, gate);
      const proxy = { remoteurl: upstream.url, retries: 0 };
      {
        await using mirror = await startRegistry(place.settings(proxy));
        const reader = read(`${mirror.url}${upstream.path}`, blob, HALF - MIB);
        await reader.paused;
        process.kill(mirror.pid, "SIGKILL");
        reader.goOn();
        expect(await reader.isWhole).toBe(false);
      }
      await upstream.close();
      await using mirror = await startRegistry(place.settings(proxy));
      const away = await mirror.client.ask({ path: upstream.path });
      expect([away.status, away.code()]).toEqual([503, "UNAVAILABLE"]);
      gate.open();
      await using again = await startUpstream(blob, gate, upstream.port);
      const url = `${mirror.url}${again.path}`;
      await expect.poll(() => read(url, blob).isWhole, { timeout: 30_000 }).toBe(true);
      await expect.poll(() => mirror.logs()).not.toContain("couldn't be stored");
      await again.close();
      await expect.poll(() => read(url, blob).isWhole, { timeout: 30_000 }).toBe(true);
    },
    PATIENCE,
  );

  it(
    "goes on for the others when the client that began leaves, and for the store when all have left",
    async () => {
      const blob = randomContent(SIZE);
      await using place = await openPlace(kind);
      const gate = createGate();
      await using upstream = await startUpstream(blob, gate);
      await using mirror = await startRegistry(place.settings({ remoteurl: upstream.url, retries: 0 }));
      const url = `${mirror.url}${upstream.path}`;
      const first = read(url, blob, MIB);
      await first.paused;
      const second = read(url, blob, MIB);
      await second.paused;
      first.leave();
      second.leave();
      await second.isWhole;
      const third = read(url, blob, MIB);
      await third.paused;
      third.goOn();
      gate.open();
      expect(await third.isWhole).toBe(true);
      expect(upstream.downloads()).toBe(1);
      await upstream.close();
      await expect.poll(() => read(url, blob).isWhole, { timeout: 30_000 }).toBe(true);
    },
    PATIENCE,
  );

  it(
    "evicts and collects what a client is just pulling without cutting it off",
    async () => {
      const blob = randomContent(SIZE);
      await using place = await openPlace(kind);
      await using upstream = await startUpstream(blob);
      await using mirror = await startRegistry(
        place.settings({ remoteurl: upstream.url, retries: 0, ttl: "2s", sweep: "1s" }),
      );
      const url = `${mirror.url}${upstream.path}`;
      const cold = read(url, blob, MIB);
      await cold.paused;
      // Others have it whole long before this one goes on.
      expect(await read(url, blob).isWhole).toBe(true);
      const cached = read(url, blob, MIB);
      await cached.paused;
      await expect.poll(() => mirror.logs(), { timeout: 60_000 }).toContain("removed cached content");
      await expect.poll(() => place.isStored(blob), { timeout: 60_000 }).toBe(false);
      for (const reader of [cold, cached]) reader.goOn();
      expect(await Promise.all([cold.isWhole, cached.isWhole]), mirror.logs()).toEqual([true, true]);
    },
    PATIENCE,
  );
});

describePeer("mount", () => {
  it.each(["filesystem", "s3"] as const)(
    "a disk that fills up in mid-download doesn't end it, over %s; with room again, the next pull is stored",
    async (kind) => {
      const blob = randomContent(SIZE);
      await using disk = await makeTemporaryFolder("full");
      await run("mount", ["-t", "tmpfs", "-o", `size=${HALF}`, "tmpfs", disk.path]);
      try {
        await using place = await openPlace(kind);
        await using upstream = await startUpstream(blob);
        const proxy = { remoteurl: upstream.url, retries: 0 };
        const settings: ProcessSettings =
          kind === "filesystem"
            ? { root: `${disk.path}/data`, config: { proxy } }
            : place.settings({ ...proxy, directory: `${disk.path}/spool` });
        const debug = `127.0.0.1:${await freePort()}`;
        const http = { ...HTTP, debug: { addr: debug, prometheus: { enabled: true } } };
        await using mirror = await startRegistry({ ...settings, config: { ...settings.config, http } });
        const outcomes = async (): Promise<readonly string[]> => {
          const metrics = await (await fetch(`http://${debug}/metrics`)).text();
          return [...metrics.matchAll(/^registry_mirror_downloads_total\{.*outcome="(\w+)"\} [1-9]/gm)].map(
            ([, outcome = ""]) => outcome,
          );
        };
        const url = `${mirror.url}${upstream.path}`;
        expect(await Promise.all(Array.from({ length: 3 }, () => read(url, blob).isWhole))).toEqual([true, true, true]);
        expect(mirror.logs()).toContain("couldn't be stored");
        await expect.poll(outcomes).toEqual(["notstored"]);
        await run("mount", ["-o", `remount,size=${4 * SIZE}`, disk.path]);
        expect(await read(url, blob).isWhole).toBe(true);
        await upstream.close();
        await expect.poll(() => read(url, blob).isWhole, { timeout: 30_000 }).toBe(true);
      } finally {
        await run("umount", ["-l", disk.path]);
      }
    },
    PATIENCE,
  );
});
