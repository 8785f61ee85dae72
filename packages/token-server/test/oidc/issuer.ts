import type { RequestListener, ServerResponse } from "node:http";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";

/** A signing key of an issuer. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JWK;
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** A new key. */
export async function makeKey(kid: string, alg = "RS256"): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    alg,
    jwk: { ...(await exportJWK(publicKey)), kid, use: "sig", alg },
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** An issuer on the loopback address: a discovery document, a JWK set, and what a test wants them to be instead. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  keys: IssuerKey[];
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Answers in place of the issuer where it returns true. */
  interrupt: (path: string, response: ServerResponse) => boolean;
  readonly listening: Listening;
}

/** Starts an issuer with `keys`. */
export async function startIssuer(keys: readonly IssuerKey[]): Promise<Issuer> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    if (issuer.interrupt(path, response)) return;
    response.setHeader("content-type", "application/json");
    if (path === "/.well-known/openid-configuration") {
      response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }));
    } else if (path === "/jwks") {
      response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }));
    } else {
      response.writeHead(404).end();
    }
  };
  const listening = await serveHttp(listener);
  const issuer: Issuer = {
    url: listening.url,
    keys: [...keys],
    asked,
    interrupt: () => false,
    listening,
    [Symbol.asyncDispose]: () => listening.close(),
  };
  return issuer;
}
