import { createHmac, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";
import { AuthError } from "../errors.js";
import { thumbprint } from "../keys/key-id.js";

/** An Ed25519 key pair with the id that tokens name it by. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** RFC 7638. */
  readonly kid: string;
}

/** A PKCS #8 wrapper of an Ed25519 seed up to the seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * The key for `purpose`, the same wherever `secret` (`http.secret`) is the same: every worker and replica takes what another
 * one issued. Throws AuthError INVALID_OPTIONS for an empty secret, from which anybody could derive the key.
 */
export function deriveSigningKey(secret: string, purpose: string): SigningKey {
  const seed = derive(secret, `ed25519 ${purpose}`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return { privateKey, publicKey, kid: thumbprint(publicKey) ?? purpose };
}

/** A keyed digest for `purpose`: without `secret` nobody can tell what `text` was, or make another one's. */
export function deriveDigest(secret: string, purpose: string): (text: string) => string {
  const key = derive(secret, `hmac ${purpose}`);
  return (text) => createHmac("sha256", key).update(text).digest("base64url");
}

/** RFC 5869. */
function derive(secret: string, purpose: string): Buffer {
  if (secret === "") {
    const reason = "it must not be empty: tokens are signed with a key that is derived from it";
    throw new AuthError({ code: "INVALID_OPTIONS", path: "http.secret", reason });
  }
  return Buffer.from(hkdfSync("sha256", secret, "", `longshore token server: ${purpose}`, 32));
}
