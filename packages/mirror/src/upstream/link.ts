/**
 * The query of the next page in a `Link` header (RFC 8288, distribution-spec §Listing Tags). Only the query counts: proxies leave
 * paths behind that don't lead back, and no list may send us to another host.
 */
export function nextQuery(header: string | string[] | undefined): string | undefined {
  const text = typeof header === "string" ? header : (header?.join(", ") ?? "");
  for (const [, target = "", parameters = ""] of text.matchAll(/<([^<>]{0,4096})>((?:\s*;[^<>,]{0,256})*)/g)) {
    if (!/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters)) continue;
    const at = target.indexOf("?");
    return at < 0 ? undefined : target.slice(at + 1).split("#")[0];
  }
  return undefined;
}
