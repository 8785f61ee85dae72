import type { JwksFetcher } from "@longshore/auth/tokens";
import { z } from "zod";
import { isTrustworthy } from "./key-address.js";

const DOCUMENT = z.object({ issuer: z.string(), jwks_uri: z.string() });

/** The address of an issuer's discovery document (OpenID Connect Discovery §4). */
export function discoveryUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
}

/**
 * A fetcher that gets the JWK set which a discovery document names, given the document's address. The issuer is one that the
 * configuration lists; its document must say the same, and may place the keys on another host (Google's does).
 */
export function createDiscoveringFetcher(issuer: string, fetcher: JwksFetcher): JwksFetcher {
  return {
    async fetch(url, signal) {
      const document = parseDocument(await fetcher.fetch(url, signal));
      if (document.issuer !== issuer)
        throw new Error(`the discovery document is of another issuer: ${shown(document.issuer)}`);
      if (!URL.canParse(document.jwks_uri)) throw new Error("the discovery document's jwks_uri is not a URL");
      const keys = new URL(document.jwks_uri);
      if (!isTrustworthy(keys)) throw new Error(`the discovery document's jwks_uri is not https: ${shown(keys.href)}`);
      return fetcher.fetch(keys, signal);
    },
    close: () => fetcher.close(),
  };
}

function parseDocument(text: string): z.infer<typeof DOCUMENT> {
  const parsed = DOCUMENT.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Error("the discovery document needs issuer and jwks_uri");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("the discovery document is not JSON");
  }
}

const LONGEST_SHOWN = 200;

function shown(text: string): string {
  return text.slice(0, LONGEST_SHOWN);
}
