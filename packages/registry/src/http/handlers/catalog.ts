import { toWireJson } from "../../errors/json.js";
import type { Exchange } from "../exchange.js";
import { nextLink, parseCount } from "../headers/pagination.js";

/** Entries of a page without `n` (wire contract §1.10). */
const DEFAULT_ENTRIES = 100;

/** The most repositories examined for one page of a filtered list: bounds the work of a request. */
const LOOK_LIMIT = 5000;
/** At least this many are read at once when the list is filtered. */
const LOOK_BATCH = 200;

interface CatalogPage {
  readonly items: readonly string[];
  /** The `last` of the next page; undefined if this is the final one. */
  readonly next: string | undefined;
}

/** `GET /v2/_catalog`: lists the repositories that aren't empty. */
export async function listRepositories(exchange: Exchange): Promise<void> {
  const { maxentries: most, filter } = exchange.shared.config.catalog;
  const limit = parseCount(exchange.parameter("n"), most, "text") ?? Math.min(DEFAULT_ENTRIES, most);
  if (limit === 0) {
    exchange.json(200, toWireJson({ repositories: [] }));
    return;
  }
  const allows = filter ? exchange.grant.allows : undefined;
  const mayPull =
    allows === undefined ? undefined : (name: string) => allows({ type: "repository", name, action: "pull" });
  const { items, next } = await (mayPull === undefined ? all(exchange, limit) : visible(exchange, limit, mayPull));
  const link = next === undefined ? [] : ["Link", nextLink(exchange.path, { last: next, n: limit })];
  exchange.json(
    200,
    exchange.shared.listBodies(items, () => ({ repositories: items })),
    link,
  );
}

async function all(exchange: Exchange, limit: number): Promise<CatalogPage> {
  const after = exchange.parameter("last");
  const { items, more } = await exchange.shared.registry.repositories({
    after,
    limit,
    get signal() {
      return exchange.listSignal;
    },
  });
  return { items, next: more ? items.at(-1) : undefined };
}

/** A page may be short, or even empty, with more to come: clients follow the link (distribution-spec §Listing). */
async function visible(exchange: Exchange, limit: number, mayPull: (name: string) => boolean): Promise<CatalogPage> {
  const { registry, cursor } = exchange.shared;
  const last = exchange.parameter("last");
  const items: string[] = [];
  let after = last === undefined ? undefined : cursor.open(last);
  for (let looked = 0; looked < LOOK_LIMIT;) {
    const batch = Math.max(limit - items.length, LOOK_BATCH);
    const page = await registry.repositories({ after, limit: batch, signal: exchange.listSignal });
    for (const [index, name] of page.items.entries()) {
      if (!mayPull(name)) continue;
      items.push(name);
      const isEnd = !page.more && index === page.items.length - 1;
      if (items.length === limit) return { items, next: isEnd ? undefined : name };
    }
    if (!page.more) return { items, next: undefined };
    looked += page.items.length;
    after = page.items.at(-1);
  }
  return { items, next: after === undefined ? undefined : cursor.seal(after) };
}
