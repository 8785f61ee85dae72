import { isIP } from "node:net";
import { getDomain } from "tldts";

/** Where an upstream's password may go, beside the upstream itself. */
export interface TrustBoundary {
  /** The upstream as it is configured. */
  readonly upstream: URL;
  /** Hosts (`auth.example.org`, `auth.example.org:8443`) that the configuration adds. */
  readonly realms: readonly string[];
}

/**
 * Whether a token service may get the upstream's password: it is on the same host, or in the same registrable domain, or listed.
 * Addresses and names without a public suffix (`localhost`, `registry.internal`'s own suffix) have to be the same. As in
 * Distribution 3.1.1 (GHSA-3p65-76g6-3w7r); there a realm outside gets no request, in older versions the password.
 */
export function isTrustedRealm(realm: URL, { upstream, realms }: TrustBoundary): boolean {
  if (isDowngrade(upstream, realm)) return false;
  if (realms.some((host) => host.toLowerCase() === realm.host || host.toLowerCase() === realm.hostname)) return true;
  if (realm.hostname === upstream.hostname) return true;
  const domain = registrableDomain(realm);
  return domain !== undefined && domain === registrableDomain(upstream);
}

/** Whether a step from one URL to the other gives TLS up. */
export function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === "https:" && to.protocol !== "https:";
}

/** Private suffixes count: two customers of `github.io` aren't one domain. */
function registrableDomain({ hostname }: URL): string | undefined {
  if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  return getDomain(hostname, { allowPrivateDomains: true }) ?? undefined;
}
