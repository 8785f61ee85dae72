import { OrFilter, type Entry } from "ldapts";
import type { DirectoryConnection } from "./connection.js";
import { allValuesOf, readEntry, valuesOf } from "./entry.js";
import { DirectoryFault } from "./fault.js";
import { fillFilter } from "./filter.js";
import { commonNameOf, foldDn } from "./names.js";

/** How groups are found; `depth` counts groups within groups. */
export interface GroupOptions {
  readonly from: "memberof" | "search";
  readonly nested: "no" | "walk" | "chain";
  /** The attribute with the DNs of an entry's groups. */
  readonly attribute: string;
  /** Where groups are searched, and by what filter with `${dn}` and `${account}`. */
  readonly base: string;
  readonly filter: string;
  readonly depth: number;
  readonly limit: number;
  readonly name: "cn" | "dn";
}

/** Groups whose members are looked up in one search. */
const BATCH = 20;

/** A group, by what a walk needs of it. */
interface Group {
  readonly dn: string;
  readonly name: string | undefined;
}

/** The next groups up from entries with these DNs. */
type Step = (dns: readonly string[]) => Promise<readonly Group[]>;

/**
 * The groups of `user`: directly, and with `walk` the groups that those are in, and so on. Groups that contain each other are
 * visited once. Throws DirectoryFault if there are more than `limit`, since rules may deny by a group that would be left out.
 */
export async function findGroups(
  user: Entry,
  account: string,
  options: GroupOptions,
  connection: DirectoryConnection,
  signal: AbortSignal,
): Promise<string[]> {
  const { from, nested, depth, limit } = options;
  const step =
    from === "search" ? bySearch(account, options, connection, signal) : byMemberOf(options, connection, signal);
  const found = new Map<string, Group>();
  let level =
    from === "search"
      ? await step([user.dn])
      : (await allValuesOf(user, options.attribute, connection, signal)).map(groupByDn);
  for (let height = 0; level.length > 0; height += 1) {
    const fresh = level.filter(({ dn }) => !found.has(foldDn(dn)));
    for (const group of fresh) found.set(foldDn(group.dn), group);
    if (found.size > limit) throw new DirectoryFault("request", `${account} is in more than ${limit} groups`);
    if (nested !== "walk" || height >= depth) break;
    level = await step(fresh.map(({ dn }) => dn));
  }
  const names = Array.from(found.values(), ({ dn, name }) => (options.name === "dn" ? dn : (name ?? commonNameOf(dn))));
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

function groupByDn(dn: string): Group {
  return { dn, name: commonNameOf(dn) };
}

function bySearch(
  account: string,
  { base, filter, limit }: GroupOptions,
  connection: DirectoryConnection,
  signal: AbortSignal,
): Step {
  async function search(dns: readonly string[]): Promise<Group[]> {
    const filters = dns.map((dn) => fillFilter(filter, { dn, account }));
    const groups = await connection.search(
      { base, scope: "sub", filter: new OrFilter({ filters }), attributes: ["cn"], limit },
      signal,
    );
    return groups.map((group) => ({ dn: group.dn, name: commonNameOf(group.dn) ?? valuesOf(group, "cn")[0] }));
  }
  return async (dns) => {
    const groups: Group[] = [];
    for (let at = 0; at < dns.length; at += BATCH) groups.push(...(await search(dns.slice(at, at + BATCH))));
    return groups;
  };
}

function byMemberOf({ attribute }: GroupOptions, connection: DirectoryConnection, signal: AbortSignal): Step {
  return async (dns) => {
    const groups: Group[] = [];
    for (const dn of dns) {
      const group = await readGroup(dn, attribute, connection, signal);
      if (group !== undefined) groups.push(...(await allValuesOf(group, attribute, connection, signal)).map(groupByDn));
    }
    return groups;
  };
}

/** A group that is gone, or that may not be read, is in no other one. */
async function readGroup(dn: string, attribute: string, connection: DirectoryConnection, signal: AbortSignal) {
  try {
    return await readEntry(dn, [attribute], connection, signal);
  } catch (error) {
    if (error instanceof DirectoryFault && error.kind === "request") return undefined;
    throw error;
  }
}
