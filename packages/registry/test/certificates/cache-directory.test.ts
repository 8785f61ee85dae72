import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { openCertificateCache } from "../../src/certificates/cache-directory.js";
import { parsePair } from "../../src/certificates/pair.js";
import { makePem } from "../../../../test/src/server/host-certificate.js";
import { makePair } from "./identities.js";

const HOST = "registry.example";

describe("the directory of Distribution 3 and docker_auth", () => {
  it.each([
    ["ec", HOST],
    ["rsa", `${HOST}+rsa`],
  ] as const)("a key (%s) with its chain is read from %s, and written there again", async (kind, name) => {
    await using folder = await makeTemporaryFolder("cache");
    const pem = await makePem(HOST, { kind });
    await writeFile(join(folder.path, name), pem.join(""));
    const cache = await openCertificateCache(folder.path);
    const pair = await cache.readPair(HOST);
    expect(pair).toEqual(parsePair(HOST, pem.join("")));
    if (pair === undefined) return;

    const other = await openCertificateCache(join(folder.path, "new/one"));
    await other.writePair(pair);
    expect(await readdir(join(folder.path, "new/one"))).toEqual([name]);
    expect(await readFile(join(folder.path, "new/one", name), "utf8")).toMatch(
      /^-----BEGIN (EC|RSA) PRIVATE KEY-----\n[^-]+-----END (EC|RSA) PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n/,
    );
    expect((await stat(join(folder.path, "new/one", name))).mode & 0o777).toBe(0o600);
    expect(await other.readPair(HOST)).toEqual(pair);
  });

  it("the account's key is read from where it is, or was in older versions", async () => {
    await using folder = await makeTemporaryFolder("cache");
    const [older] = await makePem("a");
    const [newer] = await makePem("b");
    const cache = await openCertificateCache(folder.path);
    expect(await cache.readAccountKey()).toBeUndefined();
    await writeFile(join(folder.path, "acme_account.key"), older);
    expect(await cache.readAccountKey()).toBe(older);
    await cache.writeAccountKey(newer);
    expect(await cache.readAccountKey()).toBe(newer);
  });

  it("what is damaged, cut off, for another host or of another key is as missing", async () => {
    await using folder = await makeTemporaryFolder("cache");
    const [key, certificate] = await makePem(HOST);
    const [otherKey] = await makePem(HOST);
    const [foreignKey, foreign] = await makePem("other.example");
    const cache = await openCertificateCache(folder.path);
    for (const text of [
      "",
      key,
      certificate,
      key + certificate.slice(0, 200),
      key.slice(0, 100) + certificate,
      otherKey + certificate,
      foreignKey + foreign,
      "x".repeat(2_000_000),
    ]) {
      await writeFile(join(folder.path, HOST), text);
      expect(await cache.readPair(HOST)).toBeUndefined();
    }
    await mkdir(join(folder.path, `${HOST}+rsa`));
    expect(await cache.readPair(HOST)).toBeUndefined();
  });

  it("a write that fails leaves what was there, and no other file", async () => {
    await using folder = await makeTemporaryFolder("cache");
    await mkdir(join(folder.path, HOST));
    await writeFile(join(folder.path, HOST, "in-the-way"), "");
    const cache = await openCertificateCache(folder.path);
    await expect(cache.writePair(await makePair(HOST))).rejects.toThrow();
    expect(await readdir(folder.path)).toEqual([HOST]);
  });
});

describe("the file of Distribution 2", () => {
  it("is read, and stays as it is", async () => {
    await using folder = await makeTemporaryFolder("cache");
    const path = join(folder.path, "letsencrypt.cache");
    const [key, certificate] = await makePem(HOST);
    const [account] = await makePem("a");
    const text = JSON.stringify({
      Email: "someone@example",
      Reg: { uri: "https://ca.example/acme/reg/1" },
      Key: account,
      Hosts: [HOST],
      Certs: { [HOST]: { Cert: certificate, Key: key } },
    });
    await writeFile(path, text);
    const cache = await openCertificateCache(path);
    expect(cache.isFile).toBe(true);
    expect(await cache.readPair(HOST)).toEqual(parsePair(HOST, key + certificate));
    expect(await cache.readPair("other.example")).toBeUndefined();
    expect(await cache.readAccountKey()).toBe(account);
    await cache.writePair(await makePair(HOST));
    await cache.writeAccountKey(key);
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it.each(["", "{", "[]", '{"Key":1}', '{"Certs":null}'])("%s has nothing in it", async (text) => {
    await using folder = await makeTemporaryFolder("cache");
    const path = join(folder.path, "letsencrypt.cache");
    await writeFile(path, text);
    const cache = await openCertificateCache(path);
    expect([await cache.readPair(HOST), await cache.readAccountKey()]).toEqual([undefined, undefined]);
  });
});
