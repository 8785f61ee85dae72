/**
 * Whether a client that sent `accept` takes `mediaType`. Without the header it takes anything, and wildcards count (RFC
 * 9110 §12.5.1); the original counts neither (contract §1.8). Parameters, `q` among them, are passed over as there.
 */
export function accepts(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined || accept === "") return true;
  const group = `${mediaType.slice(0, mediaType.indexOf("/"))}/*`;
  let start = 0;
  for (;;) {
    const comma = accept.indexOf(",", start);
    const range = withoutParameters(accept.slice(start, comma < 0 ? undefined : comma)).toLowerCase();
    if (range === mediaType || range === "*/*" || range === group) return true;
    if (comma < 0) return false;
    start = comma + 1;
  }
}

/** A media type without what follows its first semicolon. */
export function withoutParameters(value: string): string {
  const semicolon = value.indexOf(";");
  return (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
}
