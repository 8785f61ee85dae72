import { isAccountName, type Identity } from "@longshore/auth";
import type { Entry } from "ldapts";
import { STATE_ATTRIBUTES } from "./account-state.js";
import { groupsOf } from "./check-options.js";
import type { DirectoryConnection } from "./connection.js";
import { valuesOf } from "./entry.js";
import { DirectoryFault } from "./fault.js";
import { checkFilter, fillFilter } from "./filter.js";
import { findGroups } from "./groups.js";
import type { LdapOptions } from "./ldap-options.js";
import { commonNameOf, foldName } from "./names.js";
import { accountAttributes, withAccountAttribute } from "./template.js";

/** Finds the entries of users, and tells who they are. Throws DirectoryFault, or the signal's reason. */
export interface UserEntries {
  /** The one entry that matches what a user typed; undefined if there is none. */
  find(typed: string, connection: DirectoryConnection, signal: AbortSignal): Promise<Entry | undefined>;
  /** The one entry of an account by the name that {@link UserEntries.identify} gave it. */
  findNamed(account: string, connection: DirectoryConnection, signal: AbortSignal): Promise<Entry | undefined>;
  /** The account with its labels; undefined if the entry doesn't tell its name. */
  identify(
    entry: Entry,
    typed: string,
    connection: DirectoryConnection,
    signal: AbortSignal,
  ): Promise<Identity | undefined>;
}

/** Users as the options describe them. Throws AuthError INVALID_OPTIONS if a filter isn't one. */
export function createUserEntries(options: LdapOptions): UserEntries {
  const { base, filter, account, accountcase, labels, labelpatterns } = options;
  const groups = groupsOf(options);
  checkFilter("ldap.filter", filter);
  if (groups?.from === "search") checkFilter("ldap.groups.filter", groups.filter);
  const names = account === undefined ? accountAttributes(filter) : [account];
  const attributes = [
    ...new Set([
      ...names,
      ...Object.values(labels).map((label) => label.attribute),
      ...(groups?.from === "memberof" ? [groups.attribute] : []),
      ...STATE_ATTRIBUTES,
    ]),
  ];
  const namedFilter = account === undefined ? filter : withAccountAttribute(filter, account);

  async function findOne(template: string, value: string, connection: DirectoryConnection, signal: AbortSignal) {
    const search = {
      base,
      scope: "sub",
      filter: fillFilter(template, { account: value }),
      attributes,
      limit: 2,
    } as const;
    const [entry, another] = await connection.search(search, signal);
    if (another !== undefined)
      throw new DirectoryFault("request", `several entries match ${value}; make filter or base more exact`);
    // The entry without a name is the server's own: a bind as such succeeds without a password.
    return entry?.dn === "" ? undefined : entry;
  }

  /** The account's name among the values of its attributes: the one that was typed, but for its case, if there are several. */
  function nameOf(entry: Entry, typed: string): string | undefined {
    const values = names.flatMap((name) => valuesOf(entry, name)).sort();
    const same = values.find((value) => foldName(value) === foldName(typed));
    const stored = same ?? (account === undefined ? undefined : values[0]);
    if (stored === undefined || !isAccountName(stored)) return undefined;
    if (accountcase === "typed" && same !== undefined) return typed;
    return accountcase === "lower" ? stored.toLowerCase() : stored;
  }

  function labelValues(entry: Entry, { attribute, parsecn, lowercase }: (typeof labels)[string]): string[] {
    const values = valuesOf(entry, attribute).map((value) => (parsecn ? commonNameOf(value) : value));
    const known = values.filter((value) => value !== undefined);
    return lowercase ? known.map((value) => value.toLowerCase()) : known;
  }

  return {
    find: (typed, connection, signal) => findOne(filter, typed, connection, signal),
    findNamed: (name, connection, signal) => findOne(namedFilter, name, connection, signal),
    async identify(entry, typed, connection, signal) {
      const name = nameOf(entry, typed);
      if (name === undefined) return undefined;
      const found = new Map(Object.entries(labels).map(([label, each]) => [label, labelValues(entry, each)]));
      if (groups !== undefined) {
        const own = await findGroups(entry, name, groups, connection, signal);
        found.set(groups.label, [...(found.get(groups.label) ?? []), ...own]);
      }
      return { account: name, labels: found, labelSyntax: labelpatterns ? "pattern" : "literal" };
    },
  };
}
