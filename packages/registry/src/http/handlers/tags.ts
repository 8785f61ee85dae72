import { toWireJson } from "../../errors/json.js";
import type { Exchange } from "../exchange.js";
import { nextLink, parseCount } from "../headers/pagination.js";

/** `GET /v2/<name>/tags/list` (distribution-spec §Listing Tags). */
export async function listTags(exchange: Exchange): Promise<void> {
  const { name, repository, path } = exchange;
  // Without `n`, the list is complete.
  const limit = parseCount(exchange.parameter("n"), exchange.shared.config.tags.maxtags, "number");
  if (limit === 0) {
    exchange.json(200, toWireJson({ name, tags: [] }));
    return;
  }
  const { items, more } = await repository.tags.list({
    after: exchange.parameter("last"),
    limit,
    get signal() {
      return exchange.listSignal;
    },
  });
  const last = items.at(-1);
  const link = more && last !== undefined ? ["Link", nextLink(path, { last, n: limit })] : [];
  exchange.json(
    200,
    exchange.shared.listBodies(items, () => ({ name, tags: items })),
    link,
  );
}
