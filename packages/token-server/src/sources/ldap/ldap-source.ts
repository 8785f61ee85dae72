import { AuthError, isAccountName, type Clock, type PasswordCredentials } from "@longshore/auth";
import type { Entry } from "ldapts";
import type { IdentitySource, KnownAccount, Login, LoginContext } from "../../contract.js";
import { isDisabled } from "./account-state.js";
import type { DirectoryConnection } from "./connection.js";
import { DirectoryFault } from "./fault.js";
import { fillName } from "./names.js";
import type { ConnectionPool } from "./pool.js";
import type { UserEntries } from "./user-entries.js";

/** What a source over a directory is made of; it closes the pools. */
export interface LdapParts {
  /** Connections that search; undefined: users search in their own names. */
  readonly readers: ConnectionPool | undefined;
  /** Connections that users bind on; each use begins with a bind. */
  readonly logins: ConnectionPool;
  readonly entries: UserEntries;
  /** The template of the name that a user binds with before anything is searched; undefined: the entry is searched first. */
  readonly userdn: string | undefined;
  readonly clock: Clock;
}

const UNKNOWN: Login = { outcome: "unknown" };

/** Accounts of an LDAP directory or of Active Directory. */
export function createLdapSource({ readers, logins, entries, userdn, clock }: LdapParts): IdentitySource {
  /** Whether the directory accepts the password: only then may anything of the entry count. */
  async function conclude(
    entry: Entry,
    { account }: PasswordCredentials,
    connection: DirectoryConnection,
    signal: AbortSignal,
  ): Promise<Login> {
    if (isDisabled(entry, clock())) return { outcome: "failed", reason: "the account is disabled" };
    const identity = await entries.identify(entry, account, connection, signal);
    if (identity === undefined)
      return { outcome: "failed", reason: "the entry doesn't tell the account's name; see the option account" };
    return { outcome: "identified", identity, renewable: true };
  }

  /** Search, then bind: docker_auth's usual way. */
  async function searchAndBind(credentials: PasswordCredentials, readers: ConnectionPool, signal: AbortSignal) {
    const entry = await readers.use(signal, (reader) => entries.find(credentials.account, reader, signal));
    if (entry === undefined) return UNKNOWN;
    await logins.use(signal, (connection) => connection.bind(entry.dn, credentials.password, signal));
    return readers.use(signal, (reader) => conclude(entry, credentials, reader, signal));
  }

  /** Bind as the user, search, and bind as what was found: the entry is the user's own only if its password is the same. */
  async function bindAndSearch(credentials: PasswordCredentials, name: string, signal: AbortSignal): Promise<Login> {
    const { account, password } = credentials;
    return logins.use(signal, async (connection) => {
      await connection.bind(name, password, signal);
      const entry =
        readers === undefined
          ? await entries.find(account, connection, signal)
          : await readers.use(signal, (reader) => entries.find(account, reader, signal));
      if (entry === undefined) return { outcome: "failed", reason: "the account has no entry that the filter finds" };
      await connection.bind(entry.dn, password, signal);
      if (readers === undefined) return conclude(entry, credentials, connection, signal);
      return readers.use(signal, (reader) => conclude(entry, credentials, reader, signal));
    });
  }

  async function login(credentials: PasswordCredentials, signal: AbortSignal): Promise<Login> {
    if (userdn === undefined) return readers === undefined ? UNKNOWN : searchAndBind(credentials, readers, signal);
    const name = fillName(userdn, credentials.account);
    return name === undefined ? UNKNOWN : bindAndSearch(credentials, name, signal);
  }

  async function lookup(account: string, { signal }: LoginContext, readers: ConnectionPool) {
    return readers.use(signal, async (reader): Promise<KnownAccount | undefined> => {
      const entry = await entries.findNamed(account, reader, signal);
      if (entry === undefined || isDisabled(entry, clock())) return undefined;
      const identity = await entries.identify(entry, account, reader, signal);
      return identity === undefined ? undefined : { identity };
    });
  }

  return {
    name: "ldap",
    async verify(credentials, { signal }) {
      // An empty password would be an anonymous bind, which succeeds (RFC 4513 §5.1.2).
      if (!isAccountName(credentials.account) || credentials.password === "") return UNKNOWN;
      try {
        return await login(credentials, signal);
      } catch (error) {
        if (error instanceof DirectoryFault && error.kind === "credentials")
          return { outcome: "failed", reason: error.message };
        throw unavailable(error);
      }
    },
    ...(readers && {
      async lookup(account: string, context: LoginContext) {
        if (!isAccountName(account)) return undefined;
        try {
          return await lookup(account, context, readers);
        } catch (error) {
          throw unavailable(error);
        }
      },
    }),
    close() {
      readers?.close();
      logins.close();
      return Promise.resolve();
    },
  };
}

/** A fault as the token server knows it; anything else is passed on. */
function unavailable(error: unknown): unknown {
  if (!(error instanceof DirectoryFault)) return error;
  return new AuthError({ code: "UNAVAILABLE", reason: `ldap: ${error.message}` }, { cause: error });
}
