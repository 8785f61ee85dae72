import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Headers that decide what a request means or may do and that have a single value (RFC 9110 §5.3). Node keeps the first line
 * of most and silently drops the others, whereas a proxy in front may have used the last.
 */
const SINGLE: ReadonlyMap<string, number> = new Map(
  ["host", "authorization", "content-type", "content-length", "content-range", "range", "if-range"].map(
    (name, index) => [name, 1 << index],
  ),
);
const LENGTHS: ReadonlySet<number> = new Set([...SINGLE.keys()].map((name) => name.length));

/** What HTTP/2 counts for a header in addition to its name and value (RFC 9113 §6.5.2). */
const HEADER_OVERHEAD = 32;

/** The number of headers that a request of either protocol may have if they may have `headerSize` bytes in total. */
export function mostHeaders(headerSize: number): number {
  return Math.ceil(headerSize / HEADER_OVERHEAD);
}

/** Why a request's head is refused. */
export interface HeadFault {
  readonly status: 400 | 431;
  readonly text: string;
}

const TOO_MANY: HeadFault = { status: 431, text: "431 Request Header Fields Too Large: too many headers" };

/** What is wrong with headers that Node accepts; undefined if nothing is. */
export function headFault(request: IncomingMessage, most: number): HeadFault | undefined {
  if (request.rawHeaders.length > 2 * most) return TOO_MANY;
  const repeated = repeatedHeader(request) ?? (namesTwoHosts(request) ? "host" : undefined);
  if (repeated === undefined) return undefined;
  const what = repeated === "host" ? "too many Host headers" : `more than one ${repeated} header`;
  return { status: 400, text: `400 Bad Request: ${what}` };
}

function repeatedHeader({ rawHeaders }: IncomingMessage): string | undefined {
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // Lengths first: few names share one, and only those are compared.
    const bit = LENGTHS.has(name.length) ? (SINGLE.get(name.toLowerCase()) ?? 0) : 0;
    if ((seen & bit) !== 0) return name.toLowerCase();
    seen |= bit;
  }
  return undefined;
}

/** Whether an HTTP/2 request names two hosts: `:authority` and another `Host` (RFC 9113 §8.3.1). */
function namesTwoHosts({ headers }: IncomingMessage): boolean {
  const authority = headers[":authority"];
  return authority !== undefined && headers.host !== undefined && headers.host !== authority;
}

/** Refuses such a request as Distribution refuses two hosts: in plain text, and an HTTP/1 connection ends. */
export function refuseHead(request: IncomingMessage, response: ServerResponse, { status, text }: HeadFault): void {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Content-Length": text.length };
  response.writeHead(status, request.httpVersionMajor < 2 ? { ...headers, Connection: "close" } : headers).end(text);
}

/**
 * Joins the lines of an HTTP/2 request's `If-None-Match`, which is a list. Node's HTTP/2 keeps the first line only, its
 * HTTP/1 joins them.
 */
export function joinNoneMatch({ headers, rawHeaders }: IncomingMessage): void {
  if (headers["if-none-match"] === undefined) return;
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === "if-none-match");
  if (values.length > 1) headers["if-none-match"] = values.join(", ");
}
