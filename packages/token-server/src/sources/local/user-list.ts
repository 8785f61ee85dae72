import { bcryptCost, DEFAULT_COST, type Labels, type PasswordList } from "@longshore/auth";
import type { LocalOptions } from "./local-options.js";

/** A user of this source. */
export interface User {
  /** A bcrypt hash; undefined: every password is accepted. */
  readonly hash: string | undefined;
  readonly labels: Labels;
}

/** All users, wherever they are declared. */
export interface UserList {
  find(account: string): User | undefined;
  /** The highest cost of a hash: what a comparison for an account that doesn't exist has to take. */
  readonly cost: number;
}

const NO_LABELS: Labels = new Map();

/** The users of the configuration by name, without the anonymous one. */
export function readUsers(users: LocalOptions["users"]): ReadonlyMap<string, User> {
  const named = Object.entries(users).filter(([name]) => name !== "");
  return new Map(
    named.map(([name, user]) => [name, { hash: user?.password, labels: new Map(Object.entries(user?.labels ?? {})) }]),
  );
}

/** The users of the configuration, then those of an htpasswd file. */
export function joinUsers(users: ReadonlyMap<string, User>, file: PasswordList | undefined): UserList {
  const costs = Array.from(users.values(), ({ hash }) => (hash === undefined ? 0 : (bcryptCost(hash) ?? 0)));
  // A list without a hash has its default cost, which is no one's.
  if (file !== undefined && file.hashes.size > 0) costs.push(file.cost);
  const cost = Math.max(0, ...costs);
  return {
    cost: cost === 0 ? DEFAULT_COST : cost,
    find(account) {
      const user = users.get(account);
      if (user !== undefined) return user;
      const hash = file?.hashes.get(account);
      return hash === undefined ? undefined : { hash, labels: NO_LABELS };
    },
  };
}
