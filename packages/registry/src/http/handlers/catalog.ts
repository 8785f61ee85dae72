import { toWireJson } from "../../errors/json.js";
import type { Exchange } from "../exchange.js";
import { countInvalid, nextLink, parseCount } from "../pagination.js";

/** Entries of a page that nobody sized (contract §1.10). */
const DEFAULT_ENTRIES = 100;

/** Repositories that are looked at for one page of what an identity may see: bounds the work of a request. */
const LOOK_LIMIT = 5000;
/** At least this many are read at once where some are left out. */
const LOOK_BATCH = 200;

interface CatalogPage {
  readonly items: readonly string[];
  /** What `last` has to be for the next page; undefined: this is the end. */
  readonly next: string | undefined;
}

/** `GET /v2/_catalog`: the repositories that hold something. */
export async function listRepositories(exchange: Exchange): Promise<void> {
  const { catalogMaxEntries: most, catalogFilter } = exchange.api.options;
  const limit = parseCount(exchange.parameter("n"), "text") ?? Math.min(DEFAULT_ENTRIES, most);
  // Refused here, while tags/list cuts (contract §11.3).
  if (limit > most) throw countInvalid(limit);
  if (limit === 0) {
    exchange.json(200, toWireJson({ repositories: [] }));
    return;
  }
  const allows = catalogFilter === false ? undefined : exchange.grant.allows;
  const mayPull =
    allows === undefined ? undefined : (name: string) => allows({ type: "repository", name, action: "pull" });
  const { items, next } = await (mayPull === undefined ? all(exchange, limit) : visible(exchange, limit, mayPull));
  const link = next === undefined ? [] : ["Link", nextLink(exchange.path, { last: next, n: limit })];
  exchange.json(200, toWireJson({ repositories: items }), link);
}

async function all(exchange: Exchange, limit: number): Promise<CatalogPage> {
  const after = exchange.parameter("last");
  const { items, more } = await exchange.api.registry.repositories({ after, limit, signal: exchange.listSignal });
  return { items, next: more ? items.at(-1) : undefined };
}

/** A page may be short, or empty, with more behind it: clients go by the link (distribution-spec §Listing). */
async function visible(exchange: Exchange, limit: number, mayPull: (name: string) => boolean): Promise<CatalogPage> {
  const { registry, cursor } = exchange.api;
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
