import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { digestOf } from "@longshore/testkit/fixtures";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { startHaltingUpstream } from "./halting-upstream.js";

const MIB = 1024 * 1024;

/** A client in the middle of a pull. */
interface Pull {
  /** Bytes that it has. */
  readonly received: number;
  /** All of them. */
  readonly whole: Promise<Buffer>;
}

function pull(registry: RunningRegistry, path: string): Pull {
  let received = 0;
  const whole = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const sent = request(`${registry.url}${path}`, { agent: false }, (response) => {
      expect(response.statusCode).toBe(200);
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        received += chunk.length;
      });
      response.once("end", () => resolve(Buffer.concat(chunks))).once("error", reject);
    });
    sent.once("error", reject);
    sent.end();
  });
  whole.catch(() => undefined);
  return {
    get received() {
      return received;
    },
    whole,
  };
}

const PATIENT = { timeout: 30_000, interval: 20 };

describe("several processes that mirror one registry", () => {
  const bytes = randomBytes(12 * MIB);
  const path = `/v2/team/app/blobs/${digestOf(bytes)}`;

  describe("over one directory", () => {
    it("download a blob once: the others read what it has become so far", async () => {
      await using upstream = await startHaltingUpstream(bytes);
      await using folder = await makeTemporaryFolder("shared");
      const settings = { root: `${folder.path}/data`, config: { proxy: { remoteurl: upstream.url } } };
      await using first = await startRegistry(settings);
      await using second = await startRegistry(settings);
      const one = pull(first, path);
      await expect.poll(() => one.received, PATIENT).toBeGreaterThan(MIB);
      const two = pull(second, path);
      await expect.poll(() => two.received, PATIENT).toBeGreaterThan(MIB);
      upstream.goOn();
      expect((await one.whole).equals(bytes)).toBe(true);
      expect((await two.whole).equals(bytes)).toBe(true);
      expect(upstream.downloads).toEqual([0]);
    });

    it("take over from one that was killed, behind the bytes that it had", async () => {
      await using upstream = await startHaltingUpstream(bytes);
      await using folder = await makeTemporaryFolder("shared");
      const settings = { root: `${folder.path}/data`, config: { proxy: { remoteurl: upstream.url } } };
      await using second = await startRegistry(settings);
      const first = await startRegistry(settings);
      const one = pull(first, path);
      await expect.poll(() => one.received, PATIENT).toBeGreaterThan(MIB);
      const two = pull(second, path);
      await expect.poll(() => two.received, PATIENT).toBeGreaterThan(MIB);
      process.kill(first.pid, "SIGKILL");
      await expect(one.whole).rejects.toThrow();
      await first[Symbol.asyncDispose]();
      await expect.poll(() => upstream.downloads.length, PATIENT).toBe(2);
      upstream.goOn();
      expect((await two.whole).equals(bytes)).toBe(true);
      expect(upstream.downloads[1]).toBeGreaterThan(MIB);
      const again = pull(second, path);
      expect((await again.whole).equals(bytes)).toBe(true);
      expect(upstream.downloads).toHaveLength(2);
    });

    it("among the workers of one registry as well", async () => {
      await using upstream = await startHaltingUpstream(bytes);
      await using registry = await startRegistry({
        config: { http: { workers: 2 }, proxy: { remoteurl: upstream.url } },
      });
      const pulls = Array.from({ length: 6 }, () => pull(registry, path));
      await expect.poll(() => pulls.every(({ received }) => received > MIB), PATIENT).toBe(true);
      upstream.goOn();
      const all = await Promise.all(pulls.map(({ whole }) => whole));
      expect(all.every((each) => each.equals(bytes))).toBe(true);
      expect(upstream.downloads).toEqual([0]);
    });
  });

  describe("over one bucket, each on a machine of its own", () => {
    async function startReplicas(): Promise<{
      readonly start: () => Promise<RunningRegistry>;
      readonly upstream: Awaited<ReturnType<typeof startHaltingUpstream>>;
      [Symbol.asyncDispose](): Promise<void>;
    }> {
      const server = await startStandIn();
      const s3 = s3Parameters(server, await server.newBucket());
      const upstream = await startHaltingUpstream(bytes);
      const folder = await makeTemporaryFolder("replicas");
      let count = 0;
      return {
        upstream,
        start: () => {
          const directory = `${folder.path}/${(count += 1)}`;
          return startRegistry({
            config: {
              storage: { filesystem: undefined, s3, redirect: { disable: true } },
              proxy: { remoteurl: upstream.url, directory },
            },
          });
        },
        async [Symbol.asyncDispose]() {
          await upstream[Symbol.asyncDispose]();
          await server.stop();
          await folder[Symbol.asyncDispose]();
        },
      };
    }

    it("wait for the one that downloads a blob", async () => {
      await using site = await startReplicas();
      await using first = await site.start();
      await using second = await site.start();
      const one = pull(first, path);
      await expect.poll(() => one.received, PATIENT).toBeGreaterThan(MIB);
      const two = pull(second, path);
      site.upstream.goOn();
      expect((await one.whole).equals(bytes)).toBe(true);
      expect((await two.whole).equals(bytes)).toBe(true);
      expect(site.upstream.downloads).toEqual([0]);
    });

    it("take over from one that was killed", async () => {
      await using site = await startReplicas();
      await using second = await site.start();
      const first = await site.start();
      const one = pull(first, path);
      await expect.poll(() => one.received, PATIENT).toBeGreaterThan(MIB);
      const two = pull(second, path);
      process.kill(first.pid, "SIGKILL");
      await expect(one.whole).rejects.toThrow();
      await first[Symbol.asyncDispose]();
      await expect.poll(() => site.upstream.downloads.length, PATIENT).toBe(2);
      site.upstream.goOn();
      expect((await two.whole).equals(bytes)).toBe(true);
    });
  });
});
