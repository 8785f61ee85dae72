/** How entity tags are compared. */
export interface TagRules {
  /** Whether tags without quotes, which some clients send, match too (wire contract §1.8). */
  readonly unquoted: boolean;
}

/**
 * Whether `If-None-Match` names `digest`, which means that the client already has the content (RFC 9110 §13.1.2). Our entity
 * tags are quoted digests; the comparison is weak, as the RFC requires.
 */
export function noneMatchHits(header: string, digest: string, { unquoted }: TagRules): boolean {
  const quoted = `"${digest}"`;
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || tag === quoted || tag === `W/${quoted}` || (unquoted && tag === digest);
  });
}

/**
 * Whether a Range header applies: `If-Range`, if present, must name our entity tag; a date never does (RFC 9110 §13.1.5).
 */
export function ifRangeHolds(header: string | undefined, digest: string): boolean {
  return header === undefined || header === `"${digest}"`;
}
