import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { attempt, type DaemonOptions, startDaemon } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { stringify } from "yaml";
import { createIdentities } from "../server/certificates.js";

type Section = Readonly<Record<string, unknown>>;

describe("registry healthcheck", () => {
  let folder: string;

  beforeAll(async () => {
    const own = await makeTemporaryFolder("healthcheck");
    folder = own.path;
    const { authority, server } = await createIdentities();
    await writeFile(join(folder, "ca.pem"), authority);
    await writeFile(join(folder, "server.pem"), server.certificate);
    await writeFile(join(folder, "server.key"), server.key);
    return () => own[Symbol.asyncDispose]();
  });

  const tls = (more: Section = {}) => ({
    tls: { certificate: join(folder, "server.pem"), key: join(folder, "server.key"), ...more },
  });

  const configure = async (http: Section, more: Section = {}) => {
    const path = join(folder, `config-${await freePort()}.yml`);
    const config = { version: 0.1, storage: { inmemory: {} }, http: { secret: "for the test", ...http }, ...more };
    await writeFile(path, stringify(config));
    return path;
  };
  const check = (path: string) => attempt(process.execPath, [PROGRAM, "healthcheck", path]);
  const serve = async (path: string, ready: DaemonOptions["ready"]) => {
    const daemon = await startDaemon(process.execPath, [PROGRAM, "serve", path], { ready });
    return { stop: () => daemon.stop(), [Symbol.asyncDispose]: async () => void (await daemon.stop()) };
  };

  it.each<[string, () => Promise<Section>]>([
    ["a port of every interface", async () => ({ addr: `:${await freePort()}` })],
    ["the loopback address", async () => ({ addr: `127.0.0.1:${await freePort()}` })],
    ["a socket file", async () => ({ net: "unix", addr: join(folder, `${await freePort()}.sock`) })],
    ["TLS with a certificate for another name", async () => ({ addr: `:${await freePort()}`, ...tls() })],
    [
      "TLS that insists on a client's certificate",
      async () => ({ addr: `127.0.0.1:${await freePort()}`, ...tls({ clientcas: [join(folder, "ca.pem")] }) }),
    ],
    [
      "the debug address, whatever clients are served on",
      async () => ({ addr: "127.0.0.1:0", debug: { addr: `127.0.0.1:${await freePort()}` } }),
    ],
  ])("is content with a registry on %s, and not without one", async (_where, http) => {
    const path = await configure(await http());
    expect((await check(path)).code).toBe(1);
    await using registry = await serve(path, (output) => output.includes("listening on"));
    expect(await check(path)).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await registry.stop();
    expect(await check(path)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^registry: not ready: .+\n$/) as string,
    });
  });

  it("fails while one of the registry's own checks does", async () => {
    const file = join(folder, "out-of-service");
    await writeFile(file, "");
    const path = await configure(
      { addr: `127.0.0.1:${await freePort()}` },
      { health: { file: [{ file, interval: "10ms" }] } },
    );
    await using registry = await serve(path, async () => (await check(path)).stderr.includes("answered 503"));
    expect(await check(path)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("/readyz answered 503") as string,
    });
    await registry.stop();
  });

  it.each<[string, Section, string]>([
    ["a configuration that is wrong", { addr: "127.0.0.1:1", colour: 1, net: "udp" }, "http.net"],
    ["a port that the system chooses", { addr: "127.0.0.1:0" }, "names no port"],
  ])("explains %s", async (_what, http, message) => {
    expect(await check(await configure(http))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message) as string,
    });
  });
});
