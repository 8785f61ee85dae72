import { hkdfSync } from "node:crypto";
import type { Clock } from "@longshore/auth";
import { EncryptJWT, jwtDecrypt } from "jose";

/** Encrypts values that others keep for this registry: a browser, a device, the storage. */
export interface Sealer<T> {
  /** Opens for `lifetime` ms. */
  seal(value: T, lifetime: number): Promise<string>;
  /** Undefined: not sealed by this registry for this purpose, changed, or too old. */
  open(text: string): Promise<T | undefined>;
}

/** What {@link createSealer} works with. */
export interface SealerOptions<T> {
  /** `http.secret`: the same in every process and replica. */
  readonly secret: string;
  /** What is sealed for one purpose can't be opened for another. */
  readonly purpose: string;
  readonly parse: (value: unknown) => T | undefined;
  readonly clock: Clock;
}

const MAX_LENGTH = 16 * 1024;

/** A sealer with AES-256-GCM under a key derived from the secret (RFC 5869, RFC 7516). */
export function createSealer<T>({ secret, purpose, parse, clock }: SealerOptions<T>): Sealer<T> {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", `longshore logins: ${purpose}`, 32));
  const audience = `longshore logins: ${purpose}`;
  return {
    seal: (value, lifetime) =>
      new EncryptJWT({ value })
        .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
        .setAudience(audience)
        .setExpirationTime(Math.ceil((clock() + lifetime) / 1000))
        .encrypt(key),
    async open(text) {
      if (text.length > MAX_LENGTH) return undefined;
      try {
        const { payload } = await jwtDecrypt(text, key, {
          audience,
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
          currentDate: new Date(clock()),
          requiredClaims: ["exp"],
        });
        return parse(payload["value"]);
      } catch {
        return undefined;
      }
    },
  };
}
