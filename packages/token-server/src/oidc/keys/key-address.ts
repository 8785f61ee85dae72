/** Whether keys may be fetched from `url`: anybody on the way could replace them without TLS. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether a JWK set is at a URL and not in a file. */
export function isUrl(jwks: string): boolean {
  return /^https?:/i.test(jwks);
}
