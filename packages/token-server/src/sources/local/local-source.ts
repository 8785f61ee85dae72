import {
  AuthError,
  compareEvenly,
  createVerifiedPasswords,
  isAccountName,
  type Clock,
  type Identity,
  type PasswordComparer,
  type PasswordCredentials,
} from "@longshore/auth";
import { createHash } from "node:crypto";
import type { IdentitySource, KnownAccount, Login } from "../../contract.js";
import type { User, UserList } from "./user-list.js";

/** What a local source is made of; it owns the comparer and closes it. */
export interface LocalParts {
  readonly users: () => UserList;
  /** Undefined: only those who log in are identified. */
  readonly anonymous: User | undefined;
  readonly comparer: PasswordComparer;
  readonly clock: Clock;
  /** Milliseconds for which a verified password is remembered. */
  readonly cachettl: number;
  /** Looks at the file if that is due; the caller that triggers a look waits for it. */
  readonly check: () => Promise<void> | undefined;
  readonly reload: () => Promise<void>;
}

const UNKNOWN: Login = { outcome: "unknown" };

/** Label values are patterns, as in docker_auth: the operator wrote them. */
function identityOf(account: string, { labels }: User): Identity {
  return { account, labels, labelSyntax: "pattern" };
}

/** Users of the configuration and of an htpasswd file. */
export function createLocalSource(parts: LocalParts): IdentitySource {
  const { users, anonymous, comparer, clock, cachettl, check } = parts;
  const verified = createVerifiedPasswords({ clock, ttl: cachettl });
  /** What is good elsewhere. It counts only while there is no such user here. */
  const passedOver = createVerifiedPasswords({ clock, ttl: cachettl });

  function identified(account: string, user: User): Login {
    // Without a password there is nothing that a refresh token would stand for.
    return { outcome: "identified", identity: identityOf(account, user), renewable: account !== "" };
  }

  /** What needs no comparison; undefined if one is needed. */
  function recall({ account, password }: PasswordCredentials): Login | undefined {
    if (account === "") return anonymous === undefined || password !== "" ? UNKNOWN : identified("", anonymous);
    if (!isAccountName(account) || password.includes("\0")) return UNKNOWN;
    const user = users().find(account);
    if (user === undefined) return passedOver.has(passedOver.key(account, password, "")) ? UNKNOWN : undefined;
    const isRemembered =
      user.hash === undefined ? password !== "" : verified.has(verified.key(account, password, user.hash));
    return isRemembered ? identified(account, user) : undefined;
  }

  async function compare({ account, password }: PasswordCredentials, signal: AbortSignal): Promise<Login> {
    const list = users();
    const user = list.find(account);
    const right = await compareEvenly(comparer, password, user?.hash, list.cost, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new AuthError({ code: "UNAVAILABLE", reason: "passwords can't be compared now" }, { cause: error });
    });
    if (user === undefined) return UNKNOWN;
    if (!right || user.hash === undefined) return { outcome: "failed", reason: "wrong password" };
    verified.add(verified.key(account, password, user.hash));
    return identified(account, user);
  }

  function recallAccount(account: string): KnownAccount | undefined {
    const user = users().find(account);
    if (user === undefined) return undefined;
    const { hash } = user;
    const stamp =
      hash === undefined ? undefined : createHash("sha256").update(`${account}:${hash}`).digest("base64url");
    return { identity: identityOf(account, user), stamp };
  }

  return {
    name: "local",
    anonymous: anonymous && identityOf("", anonymous),
    check,
    recall,
    recallAccount,
    passOver: ({ account, password }) => passedOver.add(passedOver.key(account, password, "")),
    async verify(credentials, { signal }) {
      await check();
      return recall(credentials) ?? compare(credentials, signal);
    },
    async lookup(account) {
      await check();
      return recallAccount(account);
    },
    reload: parts.reload,
    close: () => comparer.close(),
  };
}
