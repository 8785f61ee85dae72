import { fork } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** How many there are, each with an address of its own in 127.1.0.0/16, and how often each tries (ms). */
const CLIENTS = 100;
const PACE = 100;

/** What became of their attempts, by status. */
export type Attempts = Readonly<Record<string, number>>;

/** Clients that try wrong passwords, in a process of their own, until they are told to stop. */
export async function startGuessers(origin: string, path: string): Promise<{ stop(): Promise<Attempts> }> {
  const child = fork(fileURLToPath(import.meta.url), [origin, path]);
  await once(child, "message");
  return {
    async stop() {
      const answer = once(child, "message");
      child.send("stop");
      const [counts] = (await answer) as [unknown];
      child.disconnect();
      await once(child, "exit");
      return Object.fromEntries(Object.entries(counts ?? {}).map(([status, count]) => [status, Number(count)]));
    },
  };
}

async function guess(origin: string, path: string, client: number, running: () => boolean, seen: Map<number, number>) {
  const localAddress = `127.1.0.${client + 1}`;
  for (let attempt = 0; running(); attempt += 1) {
    const user = attempt % 2 === 0 ? "bench" : `user-${client}`;
    const authorization = `Basic ${Buffer.from(`${user}:wrong-${client}-${attempt}`).toString("base64")}`;
    const asked = request(`${origin}${path}`, { localAddress, headers: { authorization }, agent: false });
    const started = Date.now();
    const status = await new Promise<number>((resolve) => {
      asked.once("error", () => resolve(0));
      asked.once("response", (response) => {
        response.resume().once("close", () => resolve(response.statusCode ?? 0));
      });
      asked.end();
    });
    seen.set(status, (seen.get(status) ?? 0) + 1);
    await delay(Math.max(0, PACE - (Date.now() - started)));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , origin = "", path = ""] = process.argv;
  let running = true;
  const seen = new Map<number, number>();
  process.once("message", () => {
    running = false;
    process.send?.(Object.fromEntries(seen));
  });
  process.once("disconnect", () => process.exit(0));
  process.send?.("ready");
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => guess(origin, path, client, () => running, seen)));
}
