import { toWireJson } from "../../errors/json.js";
import type { Exchange } from "../exchange.js";
import { nextLink, parseCount } from "../pagination.js";

/** `GET /v2/<name>/tags/list` (distribution-spec §Listing Tags). */
export async function listTags(exchange: Exchange): Promise<void> {
  const { name, repository, path } = exchange;
  const asked = parseCount(exchange.parameter("n"), "number");
  // A page larger than allowed is cut, not refused (contract §11.3); without `n` the list is whole.
  const limit = asked === undefined ? undefined : Math.min(asked, exchange.api.options.tagsMaxTags);
  if (limit === 0) {
    exchange.json(200, toWireJson({ name, tags: [] }));
    return;
  }
  const { items, more } = await repository.tags.list({
    after: exchange.parameter("last"),
    limit,
    signal: exchange.listSignal,
  });
  const last = items.at(-1);
  const link = more && last !== undefined ? ["Link", nextLink(path, { last, n: limit })] : [];
  exchange.json(200, toWireJson({ name, tags: items }), link);
}
