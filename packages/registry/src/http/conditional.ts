/** How a list of entity tags is compared with ours. */
export interface TagRules {
  /** Whether a tag without its quotes counts, as some clients send it (contract §1.8). */
  readonly unquoted: boolean;
}

/**
 * Whether `If-None-Match` names `digest`, so that the client has what it asks for (RFC 9110 §13.1.2). Our entity tags are
 * quoted digests; weak ones compare equal, since a digest is never weak.
 */
export function noneMatchHits(header: string, digest: string, { unquoted }: TagRules): boolean {
  const quoted = `"${digest}"`;
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || tag === quoted || tag === `W/${quoted}` || (unquoted && tag === digest);
  });
}

/** Whether a Range may be answered: `If-Range` must name what we have; a date never does (RFC 9110 §13.1.5). */
export function ifRangeHolds(header: string | undefined, digest: string): boolean {
  return header === undefined || header === `"${digest}"`;
}
