import type { Exchange } from "../exchange.js";

const NO_SNIFFING = "X-Content-Type-Options";

/** Headers of a plain-text response, as sent by Go's library (wire contract §1.2). */
export function textHeaders(noSniffing: readonly string[] = [NO_SNIFFING, "nosniff"]): string[] {
  return ["Content-Type", "text/plain; charset=utf-8", ...noSniffing];
}

/** Sends a plain-text response of a matched route. */
export function sendText(exchange: Exchange, status: number, body: string, headers: readonly string[] = []): void {
  // Distribution's default configuration sets the same header, which should be sent only once.
  const configured = exchange.shared.baseHeaders.some((name) => name.toLowerCase() === NO_SNIFFING.toLowerCase());
  exchange.end(status, [...textHeaders(configured ? [] : undefined), ...headers], body);
}
