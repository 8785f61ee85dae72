import { readdir, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort, listen } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startPebble, type Pebble } from "./pebble.js";
import { HOST, IN_USE, serve, shown, type Options } from "./serve.js";

describePeers("certificates from an authority", ["pebble"], () => {
  let pebble: Pebble;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    pebble = await startPebble();
    folder = await makeTemporaryFolder("acme");
  });
  afterAll(async () => {
    await pebble[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const settings = (): Pick<Options, "port" | "directory" | "authority"> => ({
    port: pebble.tlsPort,
    directory: pebble.directory,
    authority: pebble.authority,
  });

  it("are ordered at the start, by a challenge that any worker answers, and kept for their owner alone", async () => {
    const debug = await freePort();
    const http = { debug: { addr: `127.0.0.1:${debug}`, prometheus: { enabled: true } } };
    await using registry = await serve({ ...settings(), workers: 2, http });
    await registry.logged(IN_USE);
    const certificate = await shown(registry.port);
    expect(certificate?.subjectAltName).toBe(`DNS:${HOST}`);
    for (let count = 0; count < 4; count += 1) {
      expect((await shown(registry.port))?.fingerprint256).toBe(certificate?.fingerprint256);
    }
    expect((await shown(registry.port, HOST.toUpperCase()))?.fingerprint256).toBe(certificate?.fingerprint256);
    expect(await shown(registry.port, "other.example.test")).toBeUndefined();
    expect((await shown(registry.port, ""))?.fingerprint256).toBe(certificate?.fingerprint256);

    const cache = join(registry.folder, "cache");
    expect((await stat(cache)).mode & 0o777).toBe(0o700);
    expect((await readdir(cache)).sort()).toEqual(["acme_account+key", HOST]);
    const secrets = await filesBelow(join(registry.folder, "data/docker/registry/v2/longshore/records/certificates"));
    for (const file of [join(cache, HOST), join(cache, "acme_account+key"), ...secrets]) {
      expect([file, (await stat(file)).mode & 0o777]).toEqual([file, 0o600]);
    }
    const metrics = await (await fetch(`http://127.0.0.1:${debug}/metrics`)).text();
    const expiry = Date.parse(certificate?.validTo ?? "") / 1000;
    expect(metrics).toContain(`registry_certificate_expiry_timestamp_seconds{host="${HOST}"} ${expiry}\n`);
    expect(metrics).toContain(`registry_certificate_failures{host="${HOST}"} 0\n`);
    expect(registry.stderr()).not.toMatch(/PRIVATE KEY/);
  });

  it("are ordered by HTTP-01 where that is listened for; everything else there is sent to HTTPS", async () => {
    const options = { ...settings(), port: await freePort() };
    await using registry = await serve({
      ...options,
      workers: 2,
      letsencrypt: { httpaddr: `127.0.0.1:${pebble.httpPort}` },
    });
    await registry.logged(IN_USE);
    expect((await shown(registry.port))?.subjectAltName).toBe(`DNS:${HOST}`);
    const ask = async (path: string, host: string, method = "GET"): Promise<unknown[]> => {
      const { request } = await import("undici");
      const url = `http://127.0.0.1:${pebble.httpPort}${path}`;
      const response = await request(url, { method, headers: { host } });
      await response.body.dump();
      return [response.statusCode, response.headers["location"]];
    };
    expect(await ask("/v2/?a=b", `${HOST}:80`)).toEqual([302, `https://${HOST}/v2/?a=b`]);
    expect(await ask("/v2/", HOST, "POST")).toEqual([400, undefined]);
    expect(await ask("/", "elsewhere.example")).toEqual([404, undefined]);
    expect(await ask("/.well-known/acme-challenge/none", HOST)).toEqual([404, undefined]);
  });

  it("are one for all replicas over a storage, whichever orders it and whichever is asked for proof", async () => {
    await using away = await listen(createServer((socket) => socket.destroy()));
    const data = join(folder.path, "replicas");
    const issued = pebble.issued();
    const directory = `https://127.0.0.1:${away.port}/dir`;
    // The one that the authority asks for proof has an authority of its own, which is away: it can't order.
    await using first = await serve({ ...settings(), data, directory, workers: 2 });
    await first.logged("the next attempt is at");
    const elsewhere = { ...settings(), data };
    await using second = await serve({ ...elsewhere, port: await freePort() });
    await using third = await serve({ ...elsewhere, port: await freePort() });
    await Promise.all([second.logged(IN_USE), third.logged(IN_USE)]);
    expect(pebble.issued()).toBe(issued + 1);
    const certificate = await shown(second.port);
    expect(certificate).toBeDefined();
    expect((await shown(third.port))?.fingerprint256).toBe(certificate?.fingerprint256);
    // It serves it, too, although it would rather have one of its own authority.
    first.kill("SIGHUP");
    await first.logged(IN_USE);
    expect((await shown(first.port))?.fingerprint256).toBe(certificate?.fingerprint256);
  });

  it("are used again by a restart, and left to Distribution in its own form", async () => {
    const cache = join(folder.path, "shared-cache");
    const data = join(folder.path, "restarted");
    const serial = await serialOf({ ...settings(), cache, data });
    const issued = pebble.issued();
    expect(await serialOf({ ...settings(), cache, data })).toBe(serial);
    // The same without the storage: from the directory alone.
    expect(await serialOf({ ...settings(), cache, data: join(folder.path, "moved") })).toBe(serial);
    expect(pebble.issued()).toBe(issued);
  });

  async function serialOf(options: Options): Promise<string | undefined> {
    await using registry = await serve(options);
    await registry.logged(IN_USE);
    return (await shown(registry.port))?.serialNumber;
  }
});

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
