import { Agent } from "undici";
import { MAX_KEY_BYTES } from "./key-source.js";

/** Gets the text of a JWK set; `signal` ends it. Throws, with a message for the log. */
export interface JwksFetcher {
  fetch(url: URL, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** Milliseconds for a connection, for the headers, and between two parts of the body. */
const PATIENCE = 5000;

/** On the issuer's own host only. */
const MAX_REDIRECTS = 3;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Fetches JWK sets over HTTP(S) from the host that the configuration names and from no other. */
export function createJwksFetcher(): JwksFetcher {
  const agent = new Agent({
    connections: 1,
    connect: { timeout: PATIENCE },
    headersTimeout: PATIENCE,
    bodyTimeout: PATIENCE,
    maxResponseSize: MAX_KEY_BYTES,
  });

  async function get(url: URL, signal: AbortSignal, redirects: number): Promise<string> {
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: "GET",
      headers: { accept: "application/jwk-set+json, application/json" },
      signal,
    });
    const { statusCode, headers, body } = response;
    if (statusCode === 200) return body.text();
    await body.dump({ limit: MAX_KEY_BYTES, signal });
    if (!REDIRECTS.has(statusCode)) throw new Error(`the issuer answered ${statusCode}`);
    const location = typeof headers["location"] === "string" ? headers["location"] : "";
    if (location === "" || !URL.canParse(location, url.href)) throw new Error("the issuer redirects to nowhere");
    const target = new URL(location, url);
    // Whoever could send us elsewhere would choose the keys that open this registry.
    if (target.origin !== url.origin) throw new Error(`the issuer redirects to another host, ${target.host}`);
    if (redirects >= MAX_REDIRECTS) throw new Error("the issuer redirects too often");
    return get(target, signal, redirects + 1);
  }

  return {
    fetch: (url, signal) => get(url, signal, 0),
    close: () => agent.destroy(),
  };
}
