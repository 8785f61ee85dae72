import type { Exchange } from "./exchange.js";

const NO_SNIFFING = "X-Content-Type-Options";

/** Headers of a plain-text answer, as Go's library sends it (contract §1.2). */
export function textHeaders(body: string, noSniffing: readonly string[] = [NO_SNIFFING, "nosniff"]): string[] {
  const length = String(Buffer.byteLength(body));
  return ["Content-Type", "text/plain; charset=utf-8", ...noSniffing, "Content-Length", length];
}

/** A plain-text answer of a matched route. */
export function sendText(exchange: Exchange, status: number, body: string, headers: readonly string[] = []): void {
  // The original's default file configures the same header, and clients get it once.
  const configured = exchange.api.baseHeaders.some((name) => name.toLowerCase() === NO_SNIFFING.toLowerCase());
  exchange.end(status, [...textHeaders(body, configured ? [] : undefined), ...headers], body);
}
