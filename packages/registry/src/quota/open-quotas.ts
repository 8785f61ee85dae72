import { batched } from "@longshore/base/batched";
import { SECOND } from "@longshore/base/duration";
import type { Inventory } from "@longshore/inventory";
import type { QuotaRule } from "@longshore/policy";
import type { Digest, RecordStore, Registry } from "@longshore/storage";
import { LRUCache } from "lru-cache";
import { amountsOf, type Holdings } from "./holdings.js";
import { limitRepositories, type Look } from "./limit-repositories.js";
import { openReservations } from "./reservations.js";

/** Options of {@link openQuotas}. */
export interface QuotaOptions {
  readonly rules: readonly QuotaRule[];
  /** Repositories that no quota is for. */
  readonly isExempt: (name: string) => boolean;
  readonly inventory: Inventory;
  readonly records: RecordStore;
  /** How long a blob counts that no manifest refers to (ms). */
  readonly unreferencedFor: number;
  /** Called with a warning when a push brings something close to its limit. */
  readonly onNear: (warning: string) => void;
}

/** How old figures may be by which an upload is refused before it begins (ms), and for how many prefixes they are kept. */
const ROUGHLY = 2 * SECOND;
const PREFIXES = 1000;

/** `registry` within its quotas (docs/protocols/quota.md). */
export function openQuotas(registry: Registry, options: QuotaOptions): Registry {
  const { rules, isExempt, inventory, records, unreferencedFor, onNear } = options;
  const holdings = (prefix: string): Promise<Holdings> => holdingsBelow(inventory, prefix);
  const recent = new LRUCache<string, Promise<Look>>({ max: PREFIXES, ttl: ROUGHLY });
  // Many uploads may begin at once below a prefix that is full: they share a look that began after all of them had come.
  const exact = new LRUCache<string, () => Promise<Look>>({
    max: PREFIXES,
    memoMethod: (prefix) => batched(() => holdings(prefix).then(lookOf)),
  });
  const look = (prefix: string, exactness: "rough" | "exact"): Promise<Look> => {
    const known = exactness === "exact" ? undefined : recent.get(prefix);
    if (known !== undefined) return known;
    const looking = exact.memo(prefix)();
    looking.catch(() => recent.delete(prefix));
    recent.set(prefix, looking);
    return looking;
  };
  const reservations = openReservations({ records, holdings });
  const limited = limitRepositories(registry, { rules, reservations, look, unreferencedFor, onNear });
  return {
    ...registry,
    repository: (name) => (isExempt(name) ? registry : limited).repository(name),
  };
}

function lookOf(holdings: Holdings): Look {
  const { repositories } = holdings;
  return { amounts: amountsOf(holdings), has: (name) => repositories.has(name) };
}

async function holdingsBelow(inventory: Inventory, prefix: string): Promise<Holdings> {
  const parts = new Map<Digest, number>();
  const tags = new Set<string>();
  const repositories = new Set<string>();
  for await (const contents of inventory.contents(prefix)) {
    repositories.add(contents.name);
    for (const tag of contents.tags) tags.add(`${contents.name}:${tag}`);
    for (const [digest, size] of contents.parts) parts.set(digest, Math.max(size, parts.get(digest) ?? 0));
  }
  return { parts, tags, repositories };
}
