import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { randomContent } from "@longshore/testkit/fixtures";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon, type Daemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";
import { startReceiver, type Delivery, type ReceiverMode } from "./receiver.js";

const PUSHERS = 4;
const PATHS = ["/first", "/second"] as const;
/** How often the whole registry is killed, and between that a worker. */
const KILLS = 3;

const envelope = z.object({
  events: z.tuple([z.object({ action: z.string(), target: z.object({ digest: z.string() }) })]),
});

/** Digests of the pushes that `path` accepted, each where it came first. */
function acceptedBy(path: string, deliveries: readonly Delivery[]): string[] {
  const accepted = deliveries.filter((delivery) => delivery.path === path && delivery.accepted);
  const digests = accepted.map(({ body }) => envelope.parse(JSON.parse(body)).events[0].target.digest);
  return [...new Set(digests)];
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was quicker.
  }
}

/** Pushes one blob after the other until it is told to stop; adds the digests that were acknowledged, in order. */
async function push(port: number, name: string, acknowledged: string[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const blob = randomContent(500);
    const url = `http://127.0.0.1:${port}/v2/${name}/blobs/uploads/?digest=${encodeURIComponent(blob.digest)}`;
    const status = await fetch(url, {
      method: "POST",
      headers: { connection: "close", "content-type": "application/octet-stream" },
      body: blob.bytes,
    }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 201) acknowledged.push(blob.digest);
    // Killed in between: nobody was promised anything.
    else await delay(50);
  }
}

it("every acknowledged push's event arrives, in order, whatever is killed and however the receivers fail", async () => {
  await using folder = await makeTemporaryFolder("events");
  await using receiver = await startReceiver();
  const port = await freePort();
  const configuration = `${folder.path}/config.yml`;
  await writeFile(
    configuration,
    stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: `${folder.path}/data` } },
      http: { addr: `127.0.0.1:${port}`, secret: "a secret for the tests", workers: 2 },
      notifications: {
        endpoints: PATHS.map((path) => ({
          name: path,
          url: `${receiver.url}${path}`,
          timeout: "300ms",
          threshold: 3,
          backoff: "100ms",
          ignore: { actions: ["pull"] },
        })),
      },
    }),
  );
  const start = (): Promise<Daemon> =>
    startDaemon(process.execPath, [PROGRAM, "serve", configuration], {
      ready: (output) => output.includes("listening on"),
    });

  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const acknowledged = Array.from({ length: PUSHERS }, (): string[] => []);
  const pushers = acknowledged.map((digests, index) => push(port, `pusher-${index}`, digests, stop.signal));
  const modes: readonly ReceiverMode[] = ["fail", "hang", "reset"];
  let registry = await start();
  for (let round = 0; round < KILLS; round += 1) {
    const mode = modes[round % modes.length] ?? "fail";
    await delay(300);
    receiver.setMode(mode, PATHS[round % 2]);
    await delay(200);
    const [worker] = await childrenOf(registry.pid);
    if (worker !== undefined) kill(worker);
    await delay(400);
    kill(registry.pid);
    if (round % 2 === 0) {
      registry = await start();
      receiver.setMode("accept");
    } else {
      await receiver.restart(async () => {
        registry = await start();
      });
    }
  }
  // On a slow machine most of the time went by while no registry ran.
  await expect.poll(() => Math.min(...acknowledged.map(({ length }) => length))).toBeGreaterThan(5);
  stop.abort();
  await Promise.all(pushers);
  receiver.setMode("accept");
  for (const path of PATHS) {
    const arrived = (): ReadonlySet<string> => new Set(acceptedBy(path, receiver.deliveries));
    await expect
      .poll(() => acknowledged.flat().filter((digest) => !arrived().has(digest)), { timeout: 60_000 })
      .toEqual([]);
    const order = acceptedBy(path, receiver.deliveries);
    // One push of a pusher began when the one before was acknowledged; between pushers there is no order.
    for (const digests of acknowledged) expect(order.filter((digest) => digests.includes(digest))).toEqual(digests);
  }
  expect(await registry.stop()).toBe(0);
}, 180_000);
