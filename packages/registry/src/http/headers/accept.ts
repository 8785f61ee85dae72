/**
 * Whether a client that sent `accept` accepts `mediaType`. Without the header it accepts anything, and wildcards match (RFC
 * 9110 §12.5.1); in Distribution neither is the case (wire contract §1.8). Parameters, including `q`, are ignored, as they
 * are there.
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
