import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort, listen } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startPebble, type Pebble } from "./pebble.js";
import { HOST, IN_USE, serve, shown, type Options } from "./serve.js";

const ORDERING = `certificate of ${HOST}: ordering one`;
const NO_CERTIFICATE = `certificate of ${HOST}: no certificate; the next attempt is at`;

describePeers("an authority that fails", ["pebble"], () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await makeTemporaryFolder("acme");
  });
  afterAll(async () => {
    await folder[Symbol.asyncDispose]();
  });
  const shared = (name: string): Pick<Options, "cache" | "data"> => ({
    cache: join(folder.path, name, "cache"),
    data: join(folder.path, name, "data"),
  });
  const of = ({ directory, authority, tlsPort }: Pebble): Pick<Options, "directory" | "authority" | "port"> => ({
    directory,
    authority,
    port: tlsPort,
  });

  it("is away at the start: what is there is served, and a restart doesn't ask again", async () => {
    let asked = 0;
    await using away = await listen(createServer((socket) => void ((asked += 1), socket.destroy())));
    await using pebble = await startPebble();
    const options = { ...of(pebble), ...shared("away") };
    let serial: string | undefined;
    {
      await using registry = await serve(options);
      await registry.logged(IN_USE);
      serial = (await shown(registry.port))?.serialNumber;
    }
    const elsewhere = { ...options, directory: `https://127.0.0.1:${away.port}/dir` };
    {
      await using registry = await serve({ ...elsewhere, workers: 2 });
      const log = await registry.logged(NO_CERTIFICATE);
      expect(log).toContain(`127.0.0.1:${away.port} can't be reached: `);
      expect((await shown(registry.port))?.serialNumber).toBe(serial);
    }
    const before = asked;
    expect(before).toBeGreaterThan(0);
    {
      await using registry = await serve(elsewhere);
      await registry.logged(IN_USE);
      expect((await shown(registry.port))?.serialNumber).toBe(serial);
      expect(registry.stderr()).not.toContain(ORDERING);
    }
    expect(asked).toBe(before);
  });

  it("finds no proof: the log says why, restarts wait, and SIGHUP tries again", async () => {
    await using pebble = await startPebble();
    // The authority asks another port than the one that is listened on.
    const options = { ...of(pebble), ...shared("no-proof"), port: await freePort() };
    {
      await using registry = await serve(options);
      const log = await registry.logged(NO_CERTIFICATE);
      expect(log).toMatch(/found no proof that registry\.example\.test is ours; tls-alpn-01: Failed to connect/i);
      expect(await shown(registry.port)).toBeUndefined();
    }
    expect(pebble.ordered()).toBe(1);
    await using registry = await serve({ ...options, port: pebble.tlsPort });
    expect(registry.stderr()).not.toContain(ORDERING);
    registry.kill("SIGHUP");
    await registry.logged(IN_USE);
    expect(pebble.ordered()).toBe(2);
    expect(await shown(registry.port)).toBeDefined();
  });

  it("issues for seconds: the certificate is renewed before it expires, and new connections get it", async () => {
    await using pebble = await startPebble({ lifetime: 30 });
    await using registry = await serve({ ...of(pebble), workers: 2 });
    await registry.logged(IN_USE);
    const first = await shown(registry.port);
    const renewed = new RegExp(`${IN_USE}[\\s\\S]*${IN_USE}`);
    await registry.logged(renewed);
    const second = await shown(registry.port);
    expect(second?.serialNumber).not.toBe(first?.serialNumber);
    expect(Date.now()).toBeLessThan(Date.parse(first?.validTo ?? ""));
    expect(pebble.issued()).toBe(2);
  });

  it("is left in the middle by a SIGKILL: nothing is half there, and the next process doesn't order at once", async () => {
    await using pebble = await startPebble({ environment: { PEBBLE_VA_NOSLEEP: "0", PEBBLE_VA_SLEEPTIME: "3" } });
    const options = { ...of(pebble), ...shared("killed") };
    {
      await using registry = await serve(options);
      await registry.logged(ORDERING);
      await expect.poll(() => pebble.ordered(), { timeout: 20_000 }).toBe(1);
      registry.kill("SIGKILL");
      await registry.exited;
    }
    await using registry = await serve(options);
    expect(await shown(registry.port)).toBeUndefined();
    expect(registry.stderr()).not.toContain(ORDERING);
    registry.kill("SIGHUP");
    await registry.logged(IN_USE);
    expect(await shown(registry.port)).toBeDefined();
    expect(pebble.issued()).toBe(1);
  });

  it("a storage that is gone with the process: what has failed is known beside the certificates", async () => {
    await using pebble = await startPebble();
    const port = await freePort();
    const cache = join(folder.path, "inmemory", "cache");
    const options = { ...of(pebble), port, cache, storage: { inmemory: {} } };
    {
      await using registry = await serve(options);
      await registry.logged(NO_CERTIFICATE);
    }
    await using registry = await serve(options);
    expect(registry.stderr()).not.toContain(ORDERING);
    expect(pebble.ordered()).toBe(1);
  });
});

describePeers("Distribution's certificates", ["pebble", "docker-registry"], () => {
  it("are taken over, and given back: Debian's docker-registry serves from a directory that we wrote", async () => {
    const { serveDistribution } = await import("./distribution.js");
    await using pebble = await startPebble();
    await using folder = await makeTemporaryFolder("acme-distribution");
    const cache = join(folder.path, "cache");
    let serial: string | undefined;
    {
      await using registry = await serve({
        directory: pebble.directory,
        authority: pebble.authority,
        port: pebble.tlsPort,
        cache,
        data: join(folder.path, "data"),
      });
      await registry.logged(IN_USE);
      serial = (await shown(registry.port))?.serialNumber;
    }
    await using original = await serveDistribution({ folder: folder.path, cache, host: HOST });
    expect((await shown(original.port))?.serialNumber).toBe(serial);
    expect(await shown(original.port, "other.example.test")).toBeUndefined();
  });
});
