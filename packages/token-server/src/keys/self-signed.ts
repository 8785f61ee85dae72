import { randomBytes, sign, type KeyObject } from "node:crypto";
import { bitString, der, objectIdentifier, octetString, positiveInteger, sequence, time, TRUE, utf8 } from "./der.js";

/** What a key's signatures are called in certificates, and what hash they are over. */
const SIGNATURES: Readonly<Record<string, { readonly oid: string; readonly hash: string | null }>> = {
  rsa: { oid: "1.2.840.113549.1.1.11", hash: "sha256" },
  ec: { oid: "1.2.840.10045.4.3.2", hash: "sha256" },
  ed25519: { oid: "1.3.101.112", hash: null },
};

const COMMON_NAME = "2.5.4.3";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";

/** How far back a certificate is valid, for machines whose clocks are behind (ms). */
const BACKDATED = 3_600_000;
const YEARS = 20;

/**
 * A certificate in PEM that a key pair issues for itself (RFC 5280): Distribution finds signing keys in certificates
 * (`rootcertbundle`), and says nothing else with them. `now` in milliseconds since 1970.
 */
export function selfSigned(name: string, privateKey: KeyObject, publicKey: KeyObject, now: number): string {
  const signature = SIGNATURES[privateKey.asymmetricKeyType ?? ""];
  if (signature === undefined) throw new Error("no certificate can be made for a key of this type");
  const algorithm = algorithmIdentifier(signature);
  const subject = sequence(der(0x31, sequence(objectIdentifier(COMMON_NAME), utf8(name.slice(0, 64)))));
  const until = new Date(now);
  until.setUTCFullYear(until.getUTCFullYear() + YEARS);
  const extensions = sequence(
    extension(BASIC_CONSTRAINTS, sequence(TRUE)),
    // digitalSignature and keyCertSign.
    extension(KEY_USAGE, der(0x03, Buffer.from([2, 0x84]))),
  );
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    positiveInteger(serialNumber()),
    algorithm,
    subject,
    sequence(time(new Date(now - BACKDATED)), time(until)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signed = sequence(certificate, algorithm, bitString(sign(signature.hash, certificate, privateKey)));
  const lines = signed.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Positive, without a leading zero byte, at most 20 bytes (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function algorithmIdentifier({ oid }: { readonly oid: string }): Buffer {
  // RSA's has NULL parameters, the others none (RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3).
  return oid.startsWith("1.2.840.113549")
    ? sequence(objectIdentifier(oid), der(0x05))
    : sequence(objectIdentifier(oid));
}

function extension(oid: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(oid), TRUE, octetString(value));
}
