import { keyIds } from "@longshore/auth";
import type { SigningKey } from "./signing-key.js";

/**
 * The keys as a JWK set (RFC 7517). Each stands in it under every id that a verifier may look for: by thumbprint, as of
 * registry:3, and as libtrust names it, which registry:2 and docker_auth's tokens use.
 */
export function jwkSet(keys: readonly SigningKey[]): { readonly keys: readonly Readonly<Record<string, unknown>>[] } {
  return {
    keys: keys.flatMap(({ publicKey, algorithm, certificates }) => {
      const jwk = publicKey.export({ format: "jwk" });
      const chain = certificates.map(({ raw }) => raw.toString("base64"));
      const x5c = chain.length === 0 ? {} : { x5c: chain };
      return keyIds(publicKey).map((kid) => ({ ...jwk, kid, use: "sig", alg: algorithm, ...x5c }));
    }),
  };
}
