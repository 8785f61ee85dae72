import { once } from "node:events";
import { request, type ServerResponse } from "node:http";
import { randomContent } from "@longshore/testkit/fixtures";
import { serveHttp } from "@longshore/testkit/loopback";
import { runLength } from "@longshore/testkit/run-length";
import { startRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";
import { peakMemory } from "../bench/process-tree.js";

const MIB = 1024 * 1024;
const CLIENTS = runLength({ short: 30, long: 100, variable: "MIRROR_CLIENTS" });
const SIZE = runLength({ short: 24, long: 200, variable: "MIRROR_MIB" }) * MIB;

/** One in so many clients reads nothing until all the others have everything. */
const SLOW_EVERY = 10;

/** What the process may have resident at most, however many clients there are and however large the blob is. */
const MEMORY_BOUND = 300 * MIB;

/** Milliseconds, on a machine that does other things as well. */
const PATIENCE = 300_000;

/** A client of a blob: what it gets is compared with what it should be as it comes. */
interface Reader {
  /** Resolves at the first byte. */
  readonly begun: Promise<void>;
  /** How many sound bytes it had when its answer ended. */
  readonly ended: Promise<number>;
}

function read(url: string, expected: Buffer, waitFor?: Promise<unknown>): Reader {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<number>((resolve, reject) => {
    const sent = request(url, { agent: false }, (response) => {
      let position = 0;
      response.on("data", (chunk: Buffer) => {
        if (position === 0) {
          begin();
          if (waitFor !== undefined) {
            response.pause();
            void waitFor.finally(() => response.resume());
          }
        }
        const stop = position + chunk.length;
        if (!chunk.equals(expected.subarray(position, stop))) reject(new Error(`wrong bytes behind ${position}`));
        position = stop;
      });
      response.once("end", () => resolve(position)).once("error", reject);
    });
    sent.once("error", reject);
    sent.end();
  });
  ended.catch(begin);
  return { begun, ended };
}

async function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (!response.write(bytes)) await once(response, "drain");
}

describe("a crowd that wants the same cold blob", () => {
  it(
    "causes one download, gets its bytes while they come, and takes bounded memory",
    async () => {
      const blob = randomContent(SIZE);
      const path = `/v2/team/app/blobs/${blob.digest}`;
      const asked: string[] = [];
      let served = false;
      /** Resolved by the test: how far the upstream may go on. */
      let allow = (): void => undefined;
      const allowed = new Promise<void>((resolve) => {
        allow = resolve;
      });
      await using upstream = await serveHttp((incoming, response) => {
        asked.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
        const answer = async (): Promise<void> => {
          response.writeHead(200, { "content-length": SIZE });
          await write(response, blob.bytes.subarray(0, MIB));
          await allowed;
          for (let at = MIB; at < SIZE; at += MIB) await write(response, blob.bytes.subarray(at, at + MIB));
          served = true;
          response.end();
        };
        void answer();
      });
      await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url } } });
      const url = `${mirror.url}${path}`;
      const isSlow = (index: number): boolean => index % SLOW_EVERY === SLOW_EVERY - 1;
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const readers = Array.from({ length: CLIENTS }, (_, index) =>
        read(url, blob.bytes, isSlow(index) ? released : undefined),
      );
      // The upstream sends no more until all clients have begun to read: none of them waits for its end.
      await Promise.all(readers.map(({ begun }) => begun));
      expect(served).toBe(false);
      allow();
      const fast = await Promise.all(readers.filter((_, index) => !isSlow(index)).map(({ ended }) => ended));
      expect(new Set(fast)).toEqual(new Set([SIZE]));
      release();
      const all = await Promise.all(readers.map(({ ended }) => ended));
      expect(all).toEqual(readers.map(() => SIZE));
      expect(asked).toEqual([`GET ${path}`]);
      const peak = Math.max(...(await peakMemory(mirror.pid)).map(({ peakBytes }) => peakBytes));
      console.log(`${CLIENTS} clients of ${SIZE / MIB} MiB: peak memory ${(peak / MIB).toFixed(0)} MiB`);
      expect(peak).toBeLessThan(MEMORY_BOUND);
      // From now on it is ours.
      await upstream.close();
      expect(await read(url, blob.bytes).ended).toBe(SIZE);
    },
    PATIENCE,
  );
});
