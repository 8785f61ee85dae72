import {
  CursorError,
  type Inventory,
  type InventoryQuery,
  type RepositoryEntry,
  type RepositorySort,
  type TagEntry,
  type TagSort,
} from "@longshore/inventory";
import { parseDigest } from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import { nextLink } from "../../headers/pagination.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { invalid } from "../operation.js";
import { answer } from "./answer.js";
import { shownPlatform } from "./platform.js";

interface ListQuery<Sort extends string> {
  readonly search: string | undefined;
  readonly sort: Sort | undefined;
  readonly descending: boolean | undefined;
  readonly n: number | undefined;
  readonly last: string | undefined;
}

/** `GET /v2/_longshore/catalog/repositories`: those that the caller may pull. */
export async function listRepositories(
  exchange: Exchange,
  { uncounted = false, ...query }: ListQuery<RepositorySort> & { readonly uncounted: boolean | undefined },
): Promise<void> {
  const { allows } = exchange.grant;
  const filter =
    allows === undefined ? undefined : (name: string) => allows({ type: "repository", name, action: "pull" });
  const inventory = inventoryOf(exchange);
  const options = { ...wanted(exchange, query), filter };
  const { items, total, next } = await (uncounted && isFirstByName(query)
    ? inventory.firstRepositories(options)
    : paged(() => inventory.repositories(options)));
  const document = {
    repositories: items.map(shownRepository),
    ...(total === undefined ? {} : { total }),
    ...(next === undefined ? {} : { next }),
  };
  answer<"Repositories">(exchange, 200, document, linkOf(exchange, query, next));
}

function isFirstByName({ search = "", sort = "name", descending = false, last }: ListQuery<RepositorySort>): boolean {
  return search === "" && sort === "name" && !descending && last === undefined;
}

/** `GET /v2/<name>/_longshore/repository/usage`. */
export async function showRepository(exchange: Exchange): Promise<void> {
  const entry = await inventoryOf(exchange).repository(exchange.repository.name, exchange.call);
  if (entry === undefined) throw new ApiError("NAME_UNKNOWN", { detail: { name: exchange.name } });
  // As far as rules tell without another question: who may not delete isn't offered to.
  const deletable = exchange.grant.allows?.({ type: "repository", name: entry.name, action: "delete" });
  answer<"Repository">(exchange, 200, { ...shownRepository(entry), ...(deletable === undefined ? {} : { deletable }) });
}

/** `GET /v2/<name>/_longshore/repository/tags`. */
export async function listTags(exchange: Exchange, query: ListQuery<TagSort>): Promise<void> {
  const { name } = exchange.repository;
  const ruleOf = exchange.shared.immutable(name);
  const { items, ...rest } = await paged(() => inventoryOf(exchange).tags(name, wanted(exchange, query)));
  const tags = items.map((item) => shownTag(item, ruleOf?.(item.tag)));
  answer<"Tags">(exchange, 200, { name, tags, ...pageOf(rest) }, linkOf(exchange, query, rest.next));
}

/** `GET /v2/<name>/_longshore/repository/referrers/<digest>`. */
export async function listReferrers(exchange: Exchange): Promise<void> {
  const subject = parseDigest(exchange.reference);
  const { name } = exchange.repository;
  const found = await inventoryOf(exchange).referrers(name, subject, exchange.call);
  const referrers = found.map(({ kind, digest, artifactType, bytes, tag }) => ({
    kind,
    digest,
    size: bytes,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(tag === undefined ? {} : { tag }),
  }));
  answer<"Referrers">(exchange, 200, { name, subject, referrers });
}

/** `GET /v2/_longshore/maintenance/usage`. */
export async function showUsage(
  exchange: Exchange,
  { prefix }: { readonly prefix: string | undefined },
): Promise<void> {
  const usage = await inventoryOf(exchange).usage(prefix, exchange.call);
  answer<"Usage">(exchange, 200, { ...(prefix === undefined ? {} : { prefix }), ...usage });
}

/** `GET /v2/_longshore/maintenance/history`. */
export async function showUsageHistory(exchange: Exchange): Promise<void> {
  const points = await inventoryOf(exchange).history();
  const days = points.map(({ day, ...rest }) => ({ ...rest, day: isoOf(day).slice(0, 10) }));
  answer<"UsageHistory">(exchange, 200, { days });
}

/** Throws UNSUPPORTED where the registry keeps none. */
function inventoryOf({ shared }: Exchange): Inventory {
  if (shared.inventory !== undefined) return shared.inventory;
  throw new ApiError("UNSUPPORTED", { detail: "the registry keeps no inventory: inventory.enabled turns it on" });
}

function wanted<Sort extends string>(
  { signal }: Exchange,
  { search, sort, descending, n, last }: ListQuery<Sort>,
): InventoryQuery<Sort> {
  return { search, sort, descending, after: last, limit: n, signal };
}

/** Throws PARAMETER_INVALID for a `last` of another list. */
async function paged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof CursorError) throw invalid("last must be the `next` of a page of this list in this order");
    throw error;
  }
}

interface Rest {
  readonly next: string | undefined;
  readonly total: number;
}

function pageOf({ next, total }: Rest): { readonly total: number; readonly next?: string } {
  return next === undefined ? { total } : { total, next };
}

function linkOf(
  { path }: Exchange,
  { search, sort, descending, n }: ListQuery<string>,
  next: string | undefined,
): readonly string[] {
  if (next === undefined) return [];
  const parameters = { search, sort, descending: descending === true ? "true" : undefined, n, last: next };
  return ["Link", nextLink(path, parameters)];
}

function shownRepository({ name, tags, manifests, size, pushed, pulled }: RepositoryEntry): Answer<"Repository"> {
  return { name, tags, manifests, size, pushed: isoOf(pushed), ...optionalTime("pulled", pulled) };
}

function shownTag(entry: TagEntry, rule: string | undefined): Answer<"Tags">["tags"][number] {
  const { tag, digest, pushed, pushedBy, pulled, uniqueSize, manifest } = entry;
  return {
    tag,
    digest,
    pushed: isoOf(pushed),
    ...(pushedBy === undefined ? {} : { pushedBy }),
    ...optionalTime("pulled", pulled),
    uniqueSize,
    ...(manifest === undefined ? {} : shownManifest(manifest)),
    ...(rule === undefined ? {} : { immutable: rule }),
  };
}

function shownManifest({ mediaType, artifactType, size, platforms, created }: NonNullable<TagEntry["manifest"]>) {
  return {
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    size,
    platforms: platforms.map(shownPlatform),
    ...optionalTime("created", created),
  };
}

function optionalTime<K extends string>(key: K, time: number | undefined): Readonly<Partial<Record<K, string>>>;
function optionalTime(key: string, time: number | undefined): object {
  return time === undefined ? {} : { [key]: isoOf(time) };
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}
