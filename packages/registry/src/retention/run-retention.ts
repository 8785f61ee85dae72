import { hostname } from "node:os";
import type { Inventory, TagEntry } from "@longshore/inventory";
import { HOUR } from "@longshore/base/duration";
import { createLeases } from "@longshore/mirror/leases";
import {
  decideRetention,
  selectsRepository,
  subjectOfTag,
  type RepositoryFacts,
  type TagFate,
} from "@longshore/policy";
import {
  isStorageError,
  openRecords,
  parseDigest,
  parseTagName,
  type Registry,
  type RepositoryName,
  type StorageDriver,
} from "@longshore/storage";
import { z } from "zod";
import type { Config } from "../config/config.js";
import { isMirrored } from "../config/mirrored.js";
import { immutableTagsOf } from "../open-storage.js";

/** What is told while retention runs. */
export interface RetentionObserver {
  /** What was decided on a tag. A tag that isn't kept is removed next, unless it is needed by then. */
  readonly decided?: ((name: RepositoryName, fate: TagFate) => void) | undefined;
  /** A tag is gone. */
  readonly removed?: ((name: RepositoryName, fate: TagFate) => void) | undefined;
  /** Something wasn't done, and why. */
  readonly problem?: ((text: string) => void) | undefined;
  /** How many repositories were looked at. */
  readonly progress?: ((repositories: number) => void) | undefined;
}

/** What a run needs besides the configuration. */
export interface RetentionPorts {
  readonly driver: StorageDriver;
  readonly registry: Registry;
  readonly inventory: Inventory;
  readonly signal: AbortSignal;
  /** Decides, and removes nothing. */
  readonly dryRun: boolean;
  readonly observer: RetentionObserver;
  /** ms since 1970. */
  readonly now?: (() => number) | undefined;
}

/** What a run came to. */
export interface RetentionResult {
  readonly repositories: number;
  readonly kept: number;
  /** With a dry run: that would be. */
  readonly removed: number;
  /** Tags that were moved or deleted by others after the decision, or are needed again. */
  readonly changed: number;
  /** Repositories and tags that were left alone because something was wrong. */
  readonly problems: number;
}

/** Another process of those that share the storage applies the rules. */
export class RetentionUnderWayError extends Error {
  override readonly name = "RetentionUnderWayError";

  constructor(owner: string) {
    super(`${owner} applies policy.retention at the moment; try again when it has finished`);
  }
}

const LEASE = "policy/retention";

/** Repositories that are listed at a time. */
const PAGE = 100;

/**
 * Applies `policy.retention` to the tags of all repositories, one after the other; those of the pull-through cache have rules of their
 * own. Can be interrupted, and started again. Throws the signal's reason, {@link RetentionUnderWayError}, and StorageError
 * where the storage is away.
 */
export async function runRetention(config: Config, ports: RetentionPorts): Promise<RetentionResult> {
  if (ports.dryRun) return applyRules(config, ports);
  const leases = createLeases({ records: openRecords(ports.driver), note: z.string() });
  const lease = await leases.take(LEASE, `process ${process.pid} on ${hostname()}`);
  if (lease === undefined) throw new RetentionUnderWayError((await leases.look(LEASE))?.note ?? "another process");
  try {
    return await applyRules(config, ports);
  } finally {
    await lease.release();
  }
}

type Counts = { -readonly [K in keyof RetentionResult]: number };

async function applyRules(config: Config, ports: RetentionPorts): Promise<RetentionResult> {
  const { registry, signal, observer } = ports;
  const counts: Counts = { repositories: 0, kept: 0, removed: 0, changed: 0, problems: 0 };
  const { rules, untagged } = config.policy.retention;
  const all = [...rules, ...untagged];
  for (let after: RepositoryName | undefined; ;) {
    const { items, more } = await registry.repositories({ after, limit: PAGE, signal });
    for (const name of items) {
      signal.throwIfAborted();
      if (isMirrored(config, name) || !all.some((rule) => selectsRepository(rule, name))) continue;
      await applyTo(name, config, ports, counts);
      counts.repositories += 1;
      observer.progress?.(counts.repositories);
    }
    after = items.at(-1);
    if (!more || after === undefined) return counts;
  }
}

async function applyTo(name: RepositoryName, config: Config, ports: RetentionPorts, counts: Counts): Promise<void> {
  const { signal, observer, dryRun } = ports;
  const onDangling = ({ tag, digest }: TagEntry): void => {
    counts.problems += 1;
    observer.problem?.(`${name}:${tag} points to ${digest}, which isn't there; push it again, or delete the tag`);
  };
  const tags = await decide(name, config, ports, onDangling);
  if (tags === undefined) {
    counts.problems += 1;
    observer.problem?.(`${name} is left alone: a manifest can't be read, so that nobody knows what it needs`);
    return;
  }
  const goes: TagFate[] = [];
  for (const fate of tags) {
    observer.decided?.(name, fate);
    if (!fate.kept) goes.push(fate);
    else counts.kept += 1;
  }
  if (dryRun) {
    counts.removed += goes.length;
    return;
  }
  for (const fate of goes.filter(({ tag }) => subjectOfTag(tag) === undefined)) {
    signal.throwIfAborted();
    await remove(name, fate, ports, counts);
  }
  const referring = goes.filter(({ tag }) => subjectOfTag(tag) !== undefined);
  if (referring.length === 0) return;
  // What they belong to may have a tag again, or has kept one that was moved: they go with it only as it is now.
  const again = new Map((await decide(name, config, ports))?.map((fate) => [fate.tag, fate]));
  for (const fate of referring) {
    signal.throwIfAborted();
    if (again.get(fate.tag)?.kept === false) await remove(name, fate, ports, counts);
    else counts.changed += 1;
  }
}

/**
 * What the rules would do with the tags of `name` now; undefined if a tag's manifest can't be read. Repositories of the pull-through
 * cache have none that are decided on.
 */
export async function planRetention(
  name: RepositoryName,
  config: Config,
  ports: Pick<RetentionPorts, "registry" | "inventory" | "signal">,
): Promise<readonly TagFate[] | undefined> {
  return isMirrored(config, name) ? [] : decide(name, config, ports);
}

/**
 * A tag that has pointed for so long (ms) to a manifest that isn't linked is no push that is under way: a delete was killed, or another
 * program's left it.
 */
const SURELY_DANGLING = HOUR;

/**
 * What becomes of the repository's tags; undefined if a tag's manifest can't be read. Tags whose manifest was deleted need nothing, count
 * for nothing, and stay: only `onDangling` is told.
 */
async function decide(
  name: RepositoryName,
  config: Config,
  { inventory, registry, signal, now = Date.now }: Pick<RetentionPorts, "registry" | "inventory" | "signal" | "now">,
  onDangling?: (tag: TagEntry) => void,
): Promise<readonly TagFate[] | undefined> {
  // Tags first: of a manifest that is pushed in between, nothing can be missing.
  const all = await inventory.allTags(name, { signal });
  const tags: TagEntry[] = [];
  const { manifests: stored } = registry.repository(name);
  for (const tag of all) {
    if (tag.manifest !== undefined) tags.push(tag);
    else if (now() - tag.pushed < SURELY_DANGLING || (await stored.isLinked(tag.digest, { signal }))) return undefined;
    else onDangling?.(tag);
  }
  const manifests = await inventory.allManifests(name, { signal });
  const facts: RepositoryFacts = {
    name,
    tags: tags.map(withPulls),
    manifests,
    pullsSince: await inventory.pullsSince(),
  };
  const ruleOf = immutableTagsOf(config)(name);
  const { retention } = config.policy;
  const { deleteuntagged } = config.storage.maintenance.gc;
  return decideRetention(facts, {
    ...retention,
    untaggedAge: deleteuntagged.enabled ? deleteuntagged.age : undefined,
    now: now(),
    immutable: (tag) => ruleOf?.(parseTagName(tag)),
  }).tags;
}

/** A pull by the digest is one of each tag that points to it: clusters pin digests. What is known is the hour: it may have been its end. */
function withPulls(tag: TagEntry): TagEntry {
  const pulled = Math.max(tag.pulled ?? 0, tag.manifest?.pulled ?? 0);
  return { ...tag, pulled: pulled === 0 ? undefined : pulled + HOUR };
}

/** Removes the tag if it still points to what was decided on. */
async function remove(
  name: RepositoryName,
  fate: TagFate,
  { registry, signal, observer }: RetentionPorts,
  counts: Counts,
): Promise<void> {
  try {
    await registry.repository(name).tags.delete(parseTagName(fate.tag), { only: parseDigest(fate.digest), signal });
  } catch (error) {
    if (isStorageError(error, "TAG_UNKNOWN")) {
      counts.changed += 1;
      return;
    }
    if (!isStorageError(error) || error.code === "STORAGE_UNAVAILABLE") throw error;
    counts.problems += 1;
    observer.problem?.(error.message);
    return;
  }
  counts.removed += 1;
  observer.removed?.(name, fate);
}
