import { createECDH, createHash, type KeyObject } from "node:crypto";

/** RFC 4648 §6. */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** How many bytes of the digest a libtrust id contains: 240 bits, 48 characters, 12 groups. */
const LIBTRUST_BYTES = 30;

/**
 * The RFC 7638 thumbprint of a public key (RFC 8037 for Ed25519): unpadded base64url of the SHA-256 of its required JWK
 * members. Undefined if the key has no JWK form.
 */
export function thumbprint(key: KeyObject): string | undefined {
  const members = requiredMembers(key);
  return members === undefined ? undefined : digest(members);
}

/**
 * The thumbprint as Distribution computes it for EC keys: coordinates without their leading zero bytes, which one key in
 * 128 has (wire contract §4.4). Equal to {@link thumbprint} for all other keys.
 */
export function unpaddedThumbprint(key: KeyObject): string | undefined {
  const members = requiredMembers(key);
  if (members === undefined) return undefined;
  if (key.asymmetricKeyType !== "ec") return digest(members);
  const { x, y, ...rest } = members;
  return digest({ ...rest, x: withoutZeros(x ?? ""), y: withoutZeros(y ?? "") });
}

/**
 * The id of a public key in libtrust, which token servers from the time of registry:2 send: base32 of the first 30 bytes of
 * the SHA-256 of the DER SubjectPublicKeyInfo, in groups of four separated by colons.
 */
export function libtrustKeyId(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" });
  const bytes = createHash("sha256").update(der).digest().subarray(0, LIBTRUST_BYTES);
  return (
    base32(bytes)
      .match(/.{1,4}/g)
      ?.join(":") ?? ""
  );
}

/**
 * The thumbprint of an EC key's curve instead of the key, which Distribution 3.0 and docker_auth compute by mistake: it is the
 * same for all keys on a curve (wire contract §4.4). Undefined for other keys.
 */
export function generatorThumbprint(key: KeyObject): string | undefined {
  const members = requiredMembers(key);
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (members === undefined || key.asymmetricKeyType !== "ec" || curve === undefined) return undefined;
  const one = createECDH(curve);
  one.setPrivateKey(Buffer.from([1]));
  const point = one.getPublicKey().subarray(1);
  const half = point.length / 2;
  const [x, y] = [point.subarray(0, half), point.subarray(half)].map((part) => part.toString("base64url"));
  return digest({ ...members, x: withoutZeros(x ?? ""), y: withoutZeros(y ?? "") });
}

/** Every id by which a token may name `key`, the most common first. */
export function keyIds(key: KeyObject): readonly string[] {
  const ids = [thumbprint(key), unpaddedThumbprint(key), libtrustKeyId(key)];
  return [...new Set(ids.filter((id) => id !== undefined))];
}

/** The members of RFC 7638 §3.2. */
function requiredMembers(key: KeyObject): Record<string, string> | undefined {
  const type = key.asymmetricKeyType;
  if (type !== "rsa" && type !== "ec" && type !== "ed25519") return undefined;
  const { kty, crv, e, n, x, y } = key.export({ format: "jwk" });
  const found: Record<string, string> = {};
  for (const [name, member] of Object.entries({ crv, e, kty, n, x, y })) {
    if (member !== undefined) found[name] = member;
  }
  return found;
}

/** In lexicographic order without white space (RFC 7638 §3.3). */
function digest(members: Readonly<Record<string, string>>): string {
  const sorted = Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("base64url");
}

function withoutZeros(coordinate: string): string {
  const bytes = Buffer.from(coordinate, "base64url");
  const start = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(start < 0 ? bytes.length : start).toString("base64url");
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32.charAt((value >>> bits) & 31);
    }
  }
  return bits === 0 ? text : text + BASE32.charAt((value << (5 - bits)) & 31);
}
