import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { createIdentities, type TestIdentities } from "../server/certificates.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { askPort, basic, passwordLine } from "./support.js";

let before: TestIdentities;
let after: TestIdentities;

beforeAll(async () => {
  [before, after] = await Promise.all([createIdentities(), createIdentities()]);
});

function serve(workers = 1): Promise<ServedRegistry> {
  return serveRegistry({
    http: { workers, tls: { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem" } },
    rest: { auth: { htpasswd: { realm: "Registry Realm", path: "FOLDER/htpasswd" } } },
    files: {
      "cert.pem": before.server.certificate,
      "key.pem": before.server.key,
      htpasswd: passwordLine("alice", "first"),
    },
  });
}

/** Writes a file as renewal tools do: whole, then under its name. */
async function replace(registry: ServedRegistry, name: string, text: string): Promise<void> {
  const path = join(registry.folder, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** Whether a new connection shows a certificate of this authority. */
async function shows(registry: ServedRegistry, { authority }: TestIdentities): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port: registry.port, ca: authority });
  try {
    // Rejects when the socket has an error.
    await once(socket, "secureConnect");
    return socket.authorized;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const alice = (password: string) => ({ path: "/v2/", headers: { authorization: basic("alice", password) } });

/** Asks for `/v2/` on a connection that is open; resolves with the answer's first line. */
async function askOn(socket: TLSSocket): Promise<string> {
  const answered = once(socket, "data");
  socket.write(`GET /v2/ HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic("alice", "first")}\r\n\r\n`);
  return String((await answered)[0]).split("\r\n", 1)[0] ?? "";
}

describe.each([1, 2])("SIGHUP with %d workers", (workers) => {
  it("uses a new certificate for new connections and drops no open one", async () => {
    await using registry = await serve(workers);
    const open = connect({ host: "127.0.0.1", port: registry.port, ca: before.authority });
    await once(open, "secureConnect");
    expect(await askOn(open)).toBe("HTTP/1.1 200 OK");
    await replace(registry, "cert.pem", after.server.certificate);
    await replace(registry, "key.pem", after.server.key);
    registry.kill("SIGHUP");
    // Connections go round robin: each worker has to have heard of it.
    await expect.poll(async () => [await shows(registry, after), await shows(registry, after)]).toEqual([true, true]);
    expect([await shows(registry, before), await shows(registry, before)]).toEqual([false, false]);
    expect(await askOn(open)).toBe("HTTP/1.1 200 OK");
    open.destroy();
  });

  it("loses no request in progress", async () => {
    await using registry = await serve(workers);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    let done = false;
    const statuses = new Map<number, number>();
    const load = async (): Promise<void> => {
      while (!done) {
        const { status } = await askPort(registry.port, { ...alice("first"), ca: before.authority, agent });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const loads = Array.from({ length: 4 }, load);
    for (let round = 0; round < 5; round += 1) {
      registry.kill("SIGHUP");
      await delay(100);
    }
    await registry.logged(/(reloading certificates[\s\S]*){5}/);
    done = true;
    await Promise.all(loads);
    agent.destroy();
    expect([...statuses.keys()]).toEqual([200]);
  });
});

describe("the certificate", () => {
  it("is reloaded without a signal when its files change", async () => {
    await using registry = await serve();
    await replace(registry, "key.pem", after.server.key);
    await replace(registry, "cert.pem", after.server.certificate);
    await registry.logged("http.tls: reloaded the certificate");
    expect(await shows(registry, after)).toBe(true);
  });

  it.each([
    ["the key of another certificate", () => after.client.key],
    ["garbage", () => "no key at all"],
  ])("stays in use when the new pair is broken: %s", async (_, key) => {
    await using registry = await serve();
    await replace(registry, "key.pem", key());
    registry.kill("SIGHUP");
    const log = await registry.logged("http.tls: the new files can't be used; the current certificate stays in use");
    expect(log).toMatch(/level=error msg="http\.tls: the new files.*error="http\.tls\.key: /);
    // The message may name the line that a key begins with; nothing of the file itself is in it.
    for (const line of key().split("\n")) if (!line.startsWith("-----") && line !== "") expect(log).not.toContain(line);
    expect(await shows(registry, before)).toBe(true);
    await replace(registry, "key.pem", before.server.key);
    registry.kill("SIGHUP");
    await registry.logged("http.tls: reloaded the certificate");
    expect(await shows(registry, before)).toBe(true);
  });
});

describe("the password file", () => {
  it("is reloaded when it changes, without interrupting logins", async () => {
    await using registry = await serve();
    const login = async (password: string): Promise<number> =>
      (await askPort(registry.port, { ...alice(password), ca: before.authority })).status;
    expect([await login("first"), await login("second")]).toEqual([200, 401]);
    await replace(registry, "htpasswd", passwordLine("alice", "second"));
    await expect.poll(() => login("second")).toBe(200);
    expect(await login("first")).toBe(401);
  });

  it("replaces a remembered password in every worker", async () => {
    await using registry = await serve(2);
    // Each login is on a connection of its own: the workers take turns.
    const logins = (password: string): Promise<readonly number[]> =>
      Promise.all(
        Array.from({ length: 6 }, async () => {
          const answer = await askPort(registry.port, { ...alice(password), ca: before.authority });
          return answer.status;
        }),
      );
    const all = (status: number): readonly number[] => Array<number>(6).fill(status);
    expect(await logins("first")).toEqual(all(200));
    expect(await logins("first")).toEqual(all(200));
    await replace(registry, "htpasswd", passwordLine("alice", "second"));
    await expect.poll(() => logins("second"), { timeout: 10_000 }).toEqual(all(200));
    // Fewer than would be throttled.
    const old = await Promise.all(
      [1, 2, 3, 4].map(() => askPort(registry.port, { ...alice("first"), ca: before.authority })),
    );
    expect(old.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(await logins("second")).toEqual(all(200));
  });

  it("is reloaded at once on SIGHUP; if it is missing, the old one stays in force", async () => {
    await using registry = await serve(2);
    const login = async (password: string): Promise<number> =>
      (await askPort(registry.port, { ...alice(password), ca: before.authority })).status;
    await rename(join(registry.folder, "htpasswd"), join(registry.folder, "elsewhere"));
    registry.kill("SIGHUP");
    await registry.logged("auth: the new files can't be used; the previous contents stay in use");
    expect([await login("first"), await login("first")]).toEqual([200, 200]);
    await replace(registry, "htpasswd", passwordLine("alice", "second"));
    registry.kill("SIGHUP");
    await expect.poll(async () => [await login("second"), await login("second")]).toEqual([200, 200]);
  });
});

it("a registry with nothing to reload survives SIGHUP, and so do its workers", async () => {
  await using registry = await serveRegistry({ http: { workers: 2 } });
  registry.kill("SIGHUP");
  await registry.logged("reloading certificates, password file and keys, and reopening logs");
  expect((await askPort(registry.port, { path: "/v2/" })).status).toBe(200);
});
