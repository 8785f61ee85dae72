import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createIdentities, type TestIdentities } from "../../../../test/src/server/certificates.js";
import { verifyAuth } from "../../src/cli/verify/verify-auth.js";
import { checkFiles } from "../../src/cli/verify/verify-files.js";
import { formatFinding } from "../../src/config/findings.js";
import { loadTlsOptions } from "../../src/server/listeners/tls-options.js";
import { configOf, warningsOf } from "../config/support.js";

let directory: string;
let identities: TestIdentities;
const at = (name: string) => join(directory, name);

/** The bytes of a PEM block. */
function der(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]*-----|\s/g, ""), "base64");
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "registry-verify-tls-"));
  identities = await createIdentities();
  const { server, client, authority } = identities;
  const key = createPrivateKey(server.key);
  const publicKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  const files: Readonly<Record<string, string | Buffer>> = {
    "cert.pem": server.certificate,
    "key.pem": server.key,
    "other.pem": client.key,
    "chain.pem": `${server.certificate}\n${authority}`,
    "reversed.pem": `${authority}\n${server.certificate}`,
    "disordered.pem": `${server.certificate}\n${client.certificate}\n${authority}`,
    "commented.pem": `subject=CN = registry\n${server.certificate}\nissuer=CN = authority\n${authority}`,
    "damaged.pem": `${server.certificate}\n${server.certificate.replaceAll("M", "N")}`,
    "cut.pem": server.certificate.slice(0, 200),
    "cert.der": der(server.certificate),
    "key.der": key.export({ format: "der", type: "pkcs8" }),
    "key-sec1.der": key.export({ format: "der", type: "sec1" }),
    "key-sec1.pem": key.export({ format: "pem", type: "sec1" }),
    "encrypted.pem": key.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "hunter2" }),
    "public.pem": publicKey.export({ format: "pem", type: "spki" }),
    "public.der": publicKey.export({ format: "der", type: "spki" }),
    // The head of a PKCS#12 store, by which it is known.
    "store.p12": Buffer.from([0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x03, 0x30, 0x82, 0x03, 0xf0]),
    "request.pem": "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n",
    "bundle.p7b": "-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n",
    "empty.pem": "",
    "blank.pem": "\n \n",
    "text.pem": "nothing of the kind",
    "unreadable.pem": server.certificate,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(at(name), content);
  await chmod(at("unreadable.pem"), 0);
  await mkdir(at("directory"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function configWith(certificate: string, key: string, clientcas: readonly string[] = []) {
  const cas = clientcas.length === 0 ? "" : `, clientcas: [${clientcas.map(at).join(", ")}]`;
  return configOf(
    `version: 0.1\nstorage: inmemory\nhttp: {tls: {certificate: ${at(certificate)}, key: ${at(key)}${cas}}}\n`,
  );
}

async function verified(certificate: string, key: string, clientcas: readonly string[] = []): Promise<string[]> {
  return (await checkFiles(configWith(certificate, key, clientcas), new Date())).map(formatFinding);
}

/** What the start says of the same files; undefined: it makes its context. */
async function served(
  certificate: string,
  key: string,
  clientcas: readonly string[] = [],
): Promise<string | undefined> {
  const { tls } = configWith(certificate, key, clientcas).http;
  if (tls === undefined) throw new Error("no TLS");
  try {
    await loadTlsOptions(tls, ["http/1.1"]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "?";
  }
}

describe("certificate and key that serve", () => {
  it.each([
    ["cert.pem", "key.pem"],
    ["cert.pem", "key-sec1.pem"],
    ["chain.pem", "key.pem"],
    ["commented.pem", "key.pem"],
  ])("%s and %s", async (certificate, key) => {
    expect(await verified(certificate, key, ["chain.pem"])).toEqual([]);
    expect(await served(certificate, key, ["chain.pem"])).toBeUndefined();
  });

  it("serve in a disordered chain, too, with a warning", async () => {
    expect(await verified("disordered.pem", "key.pem")).toEqual([
      expect.stringMatching(
        /^http\.tls\.certificate: .*disordered\.pem has certificates in a wrong order: no\. 2 didn't sign no\. 1; /,
      ),
    ]);
    expect(await served("disordered.pem", "key.pem")).toBeUndefined();
  });
});

describe("files that can't serve are named with the remedy, by verify as by the start", () => {
  it.each([
    ["cert.der", /it is DER; convert it with openssl x509 -inform der -in .*cert\.der -out /],
    ["store.p12", /it is a PKCS#12 store; convert it with openssl pkcs12 -in .*store\.p12 -nokeys/],
    ["key.pem", /it is a private key$/],
    ["key.der", /it is a private key \(DER\)$/],
    ["public.pem", /it is a public key$/],
    ["public.der", /it is a public key \(DER\)$/],
    ["request.pem", /it is a certificate request, which an authority has to sign first$/],
    ["bundle.p7b", /it is PKCS#7; convert it with openssl pkcs7 -print_certs/],
    ["encrypted.pem", /it is a private key with a passphrase$/],
    ["empty.pem", /it is empty$/],
    ["blank.pem", /it is empty$/],
    ["text.pem", /there is no line such as -----BEGIN CERTIFICATE-----$/],
    ["cut.pem", /the certificate is cut off$/],
    ["damaged.pem", /holds a damaged certificate \(no\. 2\)$/],
    ["reversed.pem", /has the key's certificate as no\. 2; put it first, before those that signed it$/],
    ["missing.pem", /ENOENT/],
    ["directory", /EISDIR/],
  ])("%s in the certificate's place", async (name, expected) => {
    const [line, ...others] = await verified(name, "key.pem");
    expect(others).toEqual([]);
    expect(line).toContain(`http.tls.certificate: ${at(name)} `);
    expect(line).toMatch(expected);
    const start = await served(name, "key.pem");
    expect(start).toMatch(/^http\.tls\.certificate: /);
    expect(start).toContain(at(name));
    expect(start).toMatch(expected);
  });

  it.each([
    ["key.der", /it is DER; convert it with openssl pkey -inform der -in .*key\.der -out /],
    ["key-sec1.der", /it is DER; convert it with openssl pkey -inform der/],
    ["store.p12", /it is a PKCS#12 store; convert it with openssl pkcs12 -in .*store\.p12 -nocerts/],
    ["cert.pem", /it is a certificate$/],
    ["cert.der", /it is a certificate \(DER\)$/],
    ["public.pem", /it is a public key$/],
    ["encrypted.pem", /it is a private key with a passphrase; write it without one: openssl pkey -in /],
    ["empty.pem", /it is empty$/],
    ["text.pem", /there is no line such as -----BEGIN PRIVATE KEY-----$/],
    ["other.pem", /(is not the key of|does not belong to) the certificate .*cert\.pem$/],
    ["missing.pem", /ENOENT/],
    ["directory", /EISDIR/],
  ])("%s in the key's place", async (name, expected) => {
    const [line, ...others] = await verified("cert.pem", name);
    expect(others).toEqual([]);
    expect(line).toContain(`http.tls.key: ${at(name)} `);
    expect(line).toMatch(expected);
    const start = await served("cert.pem", name);
    expect(start).toContain(at(name));
    expect(start).toMatch(expected);
  });

  it.each(["cert.der", "key.pem", "empty.pem", "text.pem", "damaged.pem", "missing.pem", "directory"])(
    "%s among the client CAs",
    async (name) => {
      expect(await verified("cert.pem", "key.pem", ["cert.pem", name])).toEqual([
        expect.stringContaining(`http.tls.clientcas[1]: ${at(name)} `),
      ]);
      expect(await served("cert.pem", "key.pem", ["cert.pem", name])).toMatch(/^http\.tls\.clientcas: /);
    },
  );
});

describe("rootcertbundle", () => {
  async function bundle(name: string): Promise<string[]> {
    const token = `{realm: "https://a/t", issuer: i, service: s, rootcertbundle: ${at(name)}}`;
    const config = configOf(`version: 0.1\nstorage: inmemory\nauth: {token: ${token}}\n`);
    return (await verifyAuth(config, { remote: false, patience: 0, now: new Date() })).map(formatFinding);
  }

  it("with certificates is fine", async () => expect(await bundle("chain.pem")).toEqual([]));

  it.each([
    ["public.pem", /it is a public key; give the certificate of that key, or the key in auth\.token\.jwks$/],
    ["key.pem", /it is a private key$/],
    ["cert.der", /it is DER; convert it with openssl x509 -inform der/],
    ["empty.pem", /it is empty$/],
    ["text.pem", /there is no line such as -----BEGIN CERTIFICATE-----$/],
  ])("%s says which it is", async (name, expected) => {
    const [line, ...others] = await bundle(name);
    expect(others).toEqual([]);
    expect(line).toContain(`auth.token.rootcertbundle: ${at(name)} `);
    expect(line).toMatch(expected);
  });
});

describe("auth.token.realm", () => {
  const warned = (realm: string, more = "") =>
    warningsOf(
      `version: 0.1\nstorage: inmemory\nauth: {token: {realm: "${realm}", issuer: i, service: s, jwks: /j${more}}}\n`,
    ).filter((line) => line.includes("auth.token.realm"));

  it("without a scheme is warned of", () => {
    expect(warned("auth.example/token")).toEqual([
      'config.yml:3: auth.token.realm: found "auth.example/token", which has no scheme, so no client finds the authorization server; write it as https://auth.example/token',
    ]);
    expect(warned("https://auth.example/token")).toEqual([]);
    expect(warned("registry", ", autoredirect: true")).toEqual([]);
  });
});
