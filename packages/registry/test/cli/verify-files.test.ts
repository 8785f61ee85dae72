import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyStorage } from "../../src/cli/verify/verify-storage.js";
import { verifyAuth } from "../../src/cli/verify/verify-auth.js";
import { checkFiles } from "../../src/cli/verify/verify-files.js";
import { formatFinding } from "../../src/config/findings.js";
import { configOf } from "../config/support.js";
import { CERTIFICATE, KEY } from "./certificates.js";

const NOW = new Date("2030-01-01");
let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "registry-verify-"));
  const other = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeFile(at("cert.pem"), CERTIFICATE);
  await writeFile(at("key.pem"), KEY);
  await writeFile(at("other.pem"), other.privateKey);
  await writeFile(at("garbage.pem"), "nothing of the kind");
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function findings(text: string): Promise<string[]> {
  const config = configOf(`version: 0.1\n${text}`);
  const request = { remote: false, patience: 0, now: NOW };
  return [
    ...(await checkFiles(config, NOW)),
    ...(await verifyAuth(config, request)),
    ...(await verifyStorage(config, request)),
  ].map(formatFinding);
}

const tls = (certificate: string, key: string, more = "") =>
  findings(`storage: inmemory\nhttp: {tls: {certificate: ${at(certificate)}, key: ${at(key)}${more}}}\n`);

describe("verify looks at the files that are named", () => {
  it("a certificate and its key", async () =>
    expect(await tls("cert.pem", "key.pem", `, clientcas: [${at("cert.pem")}]`)).toEqual([]));

  it("a key of another certificate", async () =>
    expect(await tls("cert.pem", "other.pem")).toEqual([
      `http.tls.key: ${at("other.pem")} is not the key of the certificate ${at("cert.pem")}`,
    ]));

  it("files that hold nothing or aren't there", async () =>
    expect(await tls("garbage.pem", "missing.pem", `, clientcas: [${at("garbage.pem")}]`)).toEqual([
      `http.tls.certificate: ${at("garbage.pem")} holds no PEM certificate: there is no line such as -----BEGIN CERTIFICATE-----`,
      `http.tls.key: ${at("missing.pem")} can't be read (ENOENT)`,
      `http.tls.clientcas[0]: ${at("garbage.pem")} holds no PEM certificate: there is no line such as -----BEGIN CERTIFICATE-----`,
    ]));

  it("those of Redis", async () => {
    const redis = (keys: string) =>
      findings(`storage: {inmemory: , cache: {blobdescriptor: redis}}\nredis: {addrs: ["r:1"], tls: {${keys}}}\n`);
    const own = `certificate: ${at("cert.pem")}, key: ${at("key.pem")}`;
    expect(await redis(`${own}, rootcas: [${at("cert.pem")}]`)).toEqual([]);
    expect(await redis(`certificate: ${at("cert.pem")}, key: ${at("other.pem")}`)).toEqual([
      `redis.tls.key: ${at("other.pem")} is not the key of the certificate ${at("cert.pem")}`,
    ]);
    expect(await redis(`rootcas: [${at("missing.pem")}]`)).toEqual([
      `redis.tls.rootcas[0]: ${at("missing.pem")} can't be read (ENOENT)`,
    ]);
  });

  it.each([
    ["2200-01-01", /expired on/],
    ["2020-01-01", /not valid before/],
  ])("a certificate that isn't valid in %s", async (date, expected) => {
    const config = configOf(
      `version: 0.1\nstorage: inmemory\nhttp: {tls: {certificate: ${at("cert.pem")}, key: ${at("key.pem")}}}\n`,
    );
    const [finding, ...others] = await checkFiles(config, new Date(date));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: "warning", path: ["http", "tls", "certificate"] });
    expect(finding?.message).toMatch(expected);
  });

  it("a root directory that can be made", async () =>
    expect(await findings(`storage: {filesystem: {rootdirectory: ${at("a/b/c")}}}\n`)).toEqual([]));

  it("a root directory that is a file, or below one", async () => {
    const wrong = /^storage\.filesystem\.rootdirectory: .*(is not a directory|can't be accessed)$/;
    expect(await findings(`storage: {filesystem: {rootdirectory: ${at("key.pem")}}}\n`)).toEqual([
      expect.stringMatching(wrong),
    ]);
    expect(await findings(`storage: {filesystem: {rootdirectory: ${at("key.pem/x")}}}\n`)).toEqual([
      expect.stringMatching(wrong),
    ]);
  });

  it("a root directory that this user can't write", async () => {
    await mkdir(at("locked"));
    await chmod(at("locked"), 0o555);
    const locked =
      /^storage\.filesystem\.rootdirectory: .*can't be created: .*locked isn't writable by this user.*pushes fail/;
    const storage = `storage: {filesystem: {rootdirectory: ${at("locked/new")}}`;
    const request = { remote: false, patience: 0, now: NOW };
    const found = await verifyStorage(configOf(`version: 0.1\n${storage}}\n`), request);
    // Root may write anywhere.
    const root = process.getuid?.() === 0;
    expect(found.map(({ severity }) => severity)).toEqual(root ? [] : ["warning"]);
    expect(found.map(formatFinding)).toEqual(root ? [] : [expect.stringMatching(locked)]);
    expect(await findings(`${storage}, maintenance: {readonly: {enabled: true}}}\n`)).toEqual([]);
  });

  it("a password file that is missing where this user can't create it", async () => {
    await mkdir(at("closed"));
    await chmod(at("closed"), 0o555);
    const file = at("closed/htpasswd");
    const found = await verifyAuth(
      configOf(`version: 0.1\nstorage: inmemory\nauth: {htpasswd: {realm: r, path: ${file}}}\n`),
      { remote: false, patience: 0, now: NOW },
    );
    // Root may write anywhere.
    const root = process.getuid?.() === 0;
    expect(found.map(({ severity }) => severity)).toEqual([root ? "warning" : "error"]);
    expect(found[0]?.message).toMatch(
      root ? /the registry creates it when it starts/ : /is missing, and .*closed isn't writable.*htpasswd -Bc/,
    );
  });

  it("a directory in the place of a password file", async () => {
    await mkdir(at("mounted"));
    expect(await findings(`storage: inmemory\nauth: {htpasswd: {realm: r, path: ${at("mounted")}}}\n`)).toEqual([
      expect.stringMatching(
        /^auth\.htpasswd\.path: .*mounted can't be used: it is a directory; container engines make one/,
      ),
    ]);
  });

  it("a socket's place", async () => {
    const unix = (path: string) => findings(`storage: inmemory\nhttp: {net: unix, addr: ${path}}\n`);
    expect(await unix(at("new.sock"))).toEqual([]);
    expect(await unix(at("key.pem"))).toEqual([`http.addr: ${at("key.pem")} exists and is not a socket`]);
    expect(await unix(at("nowhere/new.sock"))).toEqual([
      `http.addr: the directory ${at("nowhere")} is missing; create it first`,
    ]);
    const server = createServer().listen(at("old.sock"));
    await once(server, "listening");
    expect(await unix(at("old.sock"))).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });
});
