import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { serveRegistry } from "../server/process.js";
import { basic, passwordLine } from "./support.js";

interface Guess {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The client's address, of 127.0.0.0/8. */
  readonly from?: string;
}

/** The status that a login on a connection of its own is answered with. */
function login({ port, user, password, from = "127.0.0.1" }: Guess): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: basic(user, password) };
    const asked = request({ host: "127.0.0.1", port, path: "/v2/", headers, localAddress: from, agent: false });
    asked.once("error", reject);
    asked.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.end();
  });
}

function serve(workers: number, htpasswd: object, cost = 4) {
  return serveRegistry({
    http: { workers },
    rest: { auth: { htpasswd: { realm: "r", path: "FOLDER/htpasswd", ...htpasswd } } },
    files: { htpasswd: passwordLine("alice", "right", cost) },
  });
}

describe.each([1, 3])("throttle.attempts with %d workers", (workers) => {
  it("is the registry's, one guess after the other", async () => {
    await using registry = await serve(workers, { throttle: { attempts: 6, delay: "1m" } });
    const { port } = registry;
    const statuses: number[] = [];
    for (let index = 0; index < 20; index += 1)
      statuses.push(await login({ port, user: "alice", password: `wrong${index}` }));
    expect(statuses).toEqual([...Array<number>(6).fill(401), ...Array<number>(14).fill(429)]);
    expect(await login({ port, user: "alice", password: "right", from: "127.0.0.2" })).toBe(200);
  });

  it("is the registry's, many guesses at once", async () => {
    await using registry = await serve(workers, { throttle: { attempts: 6, delay: "1m" } });
    const { port } = registry;
    const guesses = Array.from({ length: 40 }, (_, index) => login({ port, user: "alice", password: `wrong${index}` }));
    const statuses = await Promise.all(guesses);
    expect(statuses.filter((status) => status === 401)).toHaveLength(6);
    expect(statuses.filter((status) => status === 429)).toHaveLength(34);
  });
});

describe("a correct password while many addresses guess", () => {
  it.each([
    ["of one network", (index: number) => `127.1.0.${index + 1}`],
    ["of as many networks", (index: number) => `127.1.${index}.1`],
  ])("is taken: %s", { timeout: 120_000 }, async (_title, address) => {
    // Every login is compared.
    await using registry = await serve(2, { cachettl: 0 }, 6);
    const { port } = registry;
    let over = false;
    const seen: number[] = [];
    const guess = async (index: number): Promise<void> => {
      for (let attempt = 0; !over; attempt += 1) {
        const status = await login({ port, user: `u${index}`, password: `x${attempt}`, from: address(index) });
        seen.push(status);
        // As a client does that honours the answer, if impatiently.
        if (status === 429) await delay(500);
      }
    };
    const guessers = Array.from({ length: 150 }, (_, index) => guess(index));
    // About everybody has failed once.
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(150);
    const statuses: number[] = [];
    for (let index = 0; index < 10; index += 1)
      statuses.push(await login({ port, user: "alice", password: "right", from: `127.0.0.${index + 2}` }));
    over = true;
    await Promise.all(guessers);
    expect(statuses).toEqual(Array(10).fill(200));
  });
});
