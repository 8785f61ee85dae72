import type { Exchange } from "./exchange.js";

/** Headers of a plain-text answer, as Go's library sends it (contract §1.2). */
export function textHeaders(body: string): string[] {
  const length = String(Buffer.byteLength(body));
  return ["Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff", "Content-Length", length];
}

/** A plain-text answer of a matched route. */
export function sendText(exchange: Exchange, status: number, body: string, headers: readonly string[] = []): void {
  exchange.end(status, [...textHeaders(body), ...headers], body);
}
