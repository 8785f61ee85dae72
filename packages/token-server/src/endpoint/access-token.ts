import { libtrustKeyId } from "@longshore/auth";
import { randomBytes } from "node:crypto";
import { signWith, type SigningKey } from "../keys/signing-key.js";

/** What a token says. Times in seconds. */
export interface TokenClaims {
  readonly issuer: string;
  /** Whom it is shown to. */
  readonly service: string;
  /** Undefined: the token names nobody. */
  readonly account: string | undefined;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly lifetime: number;
  /** Further claims, such as `access`. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** How a token's header names its key: what verifies tokens by `rootcertbundle` alone wants a certificate or libtrust's id. */
export interface HeaderStyle {
  /** `x5c`, with which registry:2 and registry:3 both find the key in their bundle (wire contract §4.4). */
  readonly certificates: boolean;
  readonly keyId: "thumbprint" | "libtrust";
}

/** How far back tokens are valid (s), for verifiers whose clock is behind (docker_auth does the same). */
const BACKDATED = 10;

/** Signs tokens (distribution token specification, RFC 7515). */
export function createTokenWriter(style: HeaderStyle): (claims: TokenClaims, key: SigningKey) => string {
  const headers = new WeakMap<SigningKey, string>();

  function headerOf(key: SigningKey): string {
    const known = headers.get(key);
    if (known !== undefined) return known;
    const chain = key.certificates.map(({ raw }) => raw.toString("base64"));
    const header = base64Json({
      typ: "JWT",
      alg: key.algorithm,
      kid: style.keyId === "libtrust" ? libtrustKeyId(key.publicKey) : key.id,
      ...(style.certificates && chain.length > 0 ? { x5c: chain } : {}),
    });
    headers.set(key, header);
    return header;
  }

  return ({ issuer, service, account, issuedAt, lifetime, more }, key) => {
    const payload = base64Json({
      iss: issuer,
      sub: account,
      aud: service,
      exp: issuedAt + lifetime,
      nbf: issuedAt - BACKDATED,
      iat: issuedAt,
      jti: randomBytes(16).toString("base64url"),
      ...more,
    });
    const input = `${headerOf(key)}.${payload}`;
    return `${input}.${signWith(key, input)}`;
  };
}

function base64Json(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
