import { toWireJson } from "../../errors/json.js";
import type { Exchange } from "../exchange.js";
import { countInvalid, nextLink, parseCount } from "../pagination.js";

/** Entries of a page that nobody sized (contract §1.10). */
const DEFAULT_ENTRIES = 100;

/** `GET /v2/_catalog`: the repositories that hold something. */
export async function listRepositories(exchange: Exchange): Promise<void> {
  const { catalogMaxEntries: most } = exchange.api.options;
  const limit = parseCount(exchange.parameter("n"), "text") ?? Math.min(DEFAULT_ENTRIES, most);
  // Refused here, while tags/list cuts (contract §11.3).
  if (limit > most) throw countInvalid(limit);
  if (limit === 0) {
    exchange.json(200, toWireJson({ repositories: [] }));
    return;
  }
  const { registry } = exchange.api;
  const { items, more } = await registry.repositories({
    after: exchange.parameter("last"),
    limit,
    signal: exchange.listSignal,
  });
  const last = items.at(-1);
  const link = more && last !== undefined ? ["Link", nextLink(exchange.path, { last, n: limit })] : [];
  exchange.json(200, toWireJson({ repositories: items }), link);
}
