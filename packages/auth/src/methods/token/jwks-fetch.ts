import { Agent } from "undici";
import { MAX_KEY_BYTES } from "./key-source.js";

/** Fetches the text of a JWK set; `signal` aborts it. Throws, with a message for the log. */
export interface JwksFetcher {
  fetch(url: URL, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** Timeout for connecting, for the headers, and between two parts of the body (ms). */
const PATIENCE = 5000;

/** Redirects are followed only on the issuer's own host. */
const MAX_REDIRECTS = 3;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Options for issuers that aren't public. */
export interface FetcherOptions {
  /** PEM: the only authorities that may have issued the server's certificate; undefined means those of the system. */
  readonly ca?: string | undefined;
  /** Returns the value of `Authorization`; called for each request. */
  readonly authorization?: (() => Promise<string>) | undefined;
}

/** Fetches JWK sets over HTTP(S), only from the host that the configuration names. */
export function createJwksFetcher({ ca, authorization }: FetcherOptions = {}): JwksFetcher {
  const agent = new Agent({
    connections: 1,
    connect: { timeout: PATIENCE, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: PATIENCE,
    bodyTimeout: PATIENCE,
    maxResponseSize: MAX_KEY_BYTES,
  });

  async function get(url: URL, signal: AbortSignal, redirects: number): Promise<string> {
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: "GET",
      headers: {
        accept: "application/jwk-set+json, application/json",
        ...(authorization === undefined ? {} : { authorization: await authorization() }),
      },
      signal,
    });
    const { statusCode, headers, body } = response;
    if (statusCode === 200) return body.text();
    await body.dump({ limit: MAX_KEY_BYTES, signal });
    if (!REDIRECTS.has(statusCode)) throw new Error(`the issuer answered ${statusCode}`);
    const location = typeof headers["location"] === "string" ? headers["location"] : "";
    if (location === "" || !URL.canParse(location, url.href))
      throw new Error("the issuer's redirect has no valid location");
    const target = new URL(location, url);
    // Someone who could redirect us elsewhere would choose the keys that this registry trusts.
    if (target.origin !== url.origin) throw new Error(`the issuer redirects to another host, ${target.host}`);
    if (redirects >= MAX_REDIRECTS) throw new Error("the issuer redirects too many times");
    return get(target, signal, redirects + 1);
  }

  return {
    fetch: (url, signal) => get(url, signal, 0),
    close: () => agent.destroy(),
  };
}
