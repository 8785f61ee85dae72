// The library below needs it, and needs it first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from "@peculiar/x509";

/** A certificate and its key as PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** What the TLS tests need: an authority, a server and a client that it vouches for, and a client that nobody does. */
export interface TestIdentities {
  readonly authority: string;
  readonly server: Identity;
  readonly client: Identity;
  readonly stranger: Identity;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 86_400_000;

interface Issuer {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** Makes a fresh set; the server's certificate is for `address`. */
export async function createIdentities(address = "127.0.0.1"): Promise<TestIdentities> {
  cryptoProvider.set(webcrypto);
  const authority = await issue("Test authority");
  const [server, client, stranger] = await Promise.all([
    issue(address, authority, address),
    issue("client", authority),
    issue("stranger"),
  ]);
  return {
    authority: authority.certificate.toString("pem"),
    server: await toPem(server),
    client: await toPem(client),
    stranger: await toPem(stranger),
  };
}

let serial = 0;

async function issue(name: string, issuer?: Issuer, address = "127.0.0.1"): Promise<Issuer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const common = {
    serialNumber: (serial += 1).toString(16).padStart(4, "0"),
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
  };
  const extensions = [
    new BasicConstraintsExtension(issuer === undefined, undefined, true),
    new SubjectAlternativeNameExtension([{ type: "ip", value: address }]),
  ];
  const certificate =
    issuer === undefined
      ? await X509CertificateGenerator.createSelfSigned({ ...common, name: `CN=${name}`, keys, extensions })
      : await X509CertificateGenerator.create({
          ...common,
          subject: `CN=${name}`,
          issuer: issuer.certificate.subject,
          publicKey: keys.publicKey,
          signingKey: issuer.keys.privateKey,
          extensions,
        });
  return { certificate, keys };
}

async function toPem({ certificate, keys }: Issuer): Promise<Identity> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    certificate: certificate.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`,
  };
}
