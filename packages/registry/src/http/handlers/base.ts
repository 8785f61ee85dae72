import type { Exchange } from "../exchange.js";

/** `GET /v2/`: this is a registry, and the credentials will do (distribution-spec §Determining Support). */
export function base(exchange: Exchange): void {
  exchange.json(200, "{}");
}
