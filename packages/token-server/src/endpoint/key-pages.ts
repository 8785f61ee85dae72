import type { AuthPage, PageAnswer } from "@longshore/auth";
import type { KeyRing } from "../keys/key-ring.js";
import { jwkSet } from "../keys/published-keys.js";

/** Where the endpoint is, below the registry's address. */
export const TOKEN_PATH = "/auth/token";

const KEYS_PATH = "/auth/keys";

/** Long enough to spare requests, short enough for a rotation's lead. */
const CACHED = { "content-type": "application/json", "cache-control": "public, max-age=30" };

/**
 * What verifiers of tokens need: the key set, and a document that says where it is (OpenID Connect Discovery §4). `grants` are the
 * endpoint's further values of `grant_type`.
 */
export function keyPages(issuer: string, keys: KeyRing, grants: readonly string[]): readonly AuthPage[] {
  return [
    {
      path: KEYS_PATH,
      methods: ["GET"],
      async answer() {
        await keys.check();
        return json(jwkSet(keys.verifying));
      },
    },
    {
      path: "/.well-known/openid-configuration",
      methods: ["GET"],
      answer({ baseUrl = "" }) {
        const document = {
          issuer,
          token_endpoint: baseUrl + TOKEN_PATH,
          jwks_uri: baseUrl + KEYS_PATH,
          id_token_signing_alg_values_supported: [...new Set(keys.verifying.map(({ algorithm }) => algorithm))],
          grant_types_supported: ["password", "refresh_token", ...grants],
        };
        return Promise.resolve(json(document));
      },
    },
  ];
}

function json(value: unknown): PageAnswer {
  return { status: 200, headers: CACHED, body: JSON.stringify(value) };
}
