import type { IncomingMessage, ServerResponse } from "node:http";

const TEXT = "400 Bad Request: too many Host headers";
const HEADERS = { "Content-Type": "text/plain; charset=utf-8", "Content-Length": TEXT.length, Connection: "close" };

/**
 * Whether an HTTP/1 request has more than one `Host` line (RFC 9112 §3.2). Node keeps the first and says nothing, while a
 * proxy in front may have gone by the last.
 */
export function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    // The length first: few names have it, and only those are compared.
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count > 1;
}

/** Refuses such a request as the original does: in plain text, and with its connection. */
export function answerTwoHosts(response: ServerResponse): void {
  response.writeHead(400, HEADERS).end(TEXT);
}
