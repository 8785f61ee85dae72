import type { Exchange } from "../exchange.js";

/**
 * `GET /v2/`: confirms that this is a registry and that the credentials are accepted (distribution-spec §Determining
 * Support).
 */
export function versionCheck(exchange: Exchange): void {
  exchange.json(200, "{}");
}
