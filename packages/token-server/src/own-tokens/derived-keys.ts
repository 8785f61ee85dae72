import { AuthError, thumbprint } from "@longshore/auth";
import { createHmac, createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import type { SigningKey } from "../keys/signing-key.js";

/** The bytes of a PKCS #8 key before the Ed25519 seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Derives the Ed25519 key for `purpose` from `secret` (`http.secret`), so that every worker and replica accepts the tokens of the
 * others. Throws AuthError INVALID_OPTIONS for an empty secret, from which anyone could derive the key.
 */
export function deriveSigningKey(secret: string, purpose: string): SigningKey {
  const seed = derive(secret, `ed25519 ${purpose}`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return { id: thumbprint(publicKey) ?? purpose, algorithm: "EdDSA", privateKey, publicKey, certificates: [] };
}

/** A keyed digest for `purpose`: without `secret`, texts can be neither recovered nor forged. */
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
