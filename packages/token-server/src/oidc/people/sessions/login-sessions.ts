import { hash } from "node:crypto";
import { AuthError, isAuthError, type AuthLog, type Clock } from "@longshore/auth";
import { DAY, MINUTE } from "@longshore/base/duration";
import type { KnownAccount } from "../../../contract.js";
import type { TokenStore } from "../../../personal-tokens/token-store.js";
import { LoginRefused, type LoginProvider, type ProvidedLogin } from "../provider.js";
import type { Sealer } from "./seal.js";
import type { KeptSession, Session, SessionStore } from "./session-record.js";

/** What {@link createLoginSessions} works with. Times in milliseconds. */
export interface LoginSessionsOptions {
  readonly providers: ReadonlyMap<string, LoginProvider>;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly renewals: Sealer<string>;
  /** What tokens of these accounts have as their source. */
  readonly source: string;
  /** How old the provider's word may be before it is asked again. */
  readonly revalidate: number;
  /** How much longer it holds while the provider can't be asked. */
  readonly grace: number;
  /** Accounts that are not a provider's. */
  readonly reserved: ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: AuthLog;
}

/** People who logged in at a provider, and whether they still may. */
export interface LoginSessions {
  /** Keeps who logged in. Throws {@link LoginRefused} if the account is another's. */
  begin(provider: string, login: ProvidedLogin): Promise<void>;
  /**
   * The account as its provider last said, which is asked again in the background when that is due; undefined if it has never logged in,
   * or no longer may. Throws AuthError UNAVAILABLE.
   */
  lookup(account: string): Promise<KnownAccount | undefined>;
  /** Waits for what is under way in the background. */
  close(): Promise<void>;
}

/** What is sealed in the storage is good as long as the provider says. */
const RENEWAL_LIFETIME = 3650 * DAY;

/** How long another process is left alone that has begun to ask the provider. */
const LEASE = MINUTE;

/** Sessions in the storage, so that all replicas know the same. */
export function createLoginSessions(options: LoginSessionsOptions): LoginSessions {
  const { providers, sessions, tokens, renewals, source, revalidate, grace, reserved, clock, log } = options;
  const asking = new Map<string, Promise<void>>();

  async function sessionOf(provider: string, { identity, subject, renewal }: ProvidedLogin): Promise<Session> {
    return {
      version: 1,
      account: identity.account,
      provider,
      subject,
      labels: Object.fromEntries(Array.from(identity.labels, ([label, values]) => [label, [...values]])),
      renewal: renewal === undefined ? undefined : await renewals.seal(renewal, RENEWAL_LIFETIME),
      validated: clock(),
      ended: false,
    };
  }

  /** What the provider says now, in place of `kept`. Throws AuthError UNAVAILABLE. */
  async function ask(kept: KeptSession): Promise<void> {
    const { session } = kept;
    const { account } = session;
    // A provider may take a refresh token once only: two processes that used it at the same time would end the session.
    if (!(await sessions.write({ ...session, asking: clock() }, kept.version))) return;
    const claimed = await sessions.read(account);
    if (claimed === undefined) return;
    const provider = providers.get(session.provider);
    const renewal = session.renewal === undefined ? undefined : await renewals.open(session.renewal);
    try {
      if (provider === undefined || renewal === undefined) {
        throw new LoginRefused("the provider or the secret that sealed its token isn't configured any more");
      }
      const login = await provider.renew(renewal, session.subject);
      const isSame = login.identity.account === account && login.subject === session.subject;
      if (!isSame) throw new LoginRefused("the provider knows the account by another name now");
      await sessions.write(await sessionOf(session.provider, login), claimed.version);
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      log.info("an account may no longer log in; its tokens end", {
        account,
        provider: session.provider,
        reason: error.message,
      });
      await sessions.write({ ...session, renewal: undefined, ended: true }, claimed.version);
    }
  }

  function askOnce(kept: KeptSession): Promise<void> {
    const { account } = kept.session;
    const under = asking.get(account) ?? ask(kept).finally(() => asking.delete(account));
    asking.set(account, under);
    return under;
  }

  function askInBackground(kept: KeptSession): void {
    const { account, provider, asking: since } = kept.session;
    if (since !== undefined && Math.abs(clock() - since) < LEASE) return;
    askOnce(kept).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : "unknown fault";
      log.warn("a login can't be confirmed at the moment; it stays valid for a while", {
        account,
        provider,
        error: reason,
      });
    });
  }

  return {
    async begin(provider, login) {
      const { account } = login.identity;
      if (reserved.has(account)) throw new LoginRefused(`The account ${account} is one of this registry's own.`);
      const kept = await sessions.read(account);
      if (kept !== undefined && kept.session.provider !== provider) {
        throw new LoginRefused(`The account ${account} belongs to a login with another provider.`);
      }
      if (kept !== undefined && kept.session.subject !== login.subject) await endTokens(account);
      if (await sessions.write(await sessionOf(provider, login), kept?.version)) return;
      throw new LoginRefused("Another login of the same account was faster. Start again.");
    },
    async lookup(account) {
      if (reserved.has(account)) return undefined;
      const kept = await sessions.read(account);
      if (kept === undefined || kept.session.ended) return undefined;
      const age = clock() - kept.session.validated;
      const isDue = kept.session.renewal !== undefined && (age < 0 || age >= revalidate);
      if (!isDue) return knownOf(kept.session);
      if (age < revalidate + grace) {
        askInBackground(kept);
        return knownOf(kept.session);
      }
      await askOnce(kept);
      const now = await sessions.read(account);
      if (now === undefined || now.session.ended) return undefined;
      if (clock() - now.session.validated < revalidate + grace) return knownOf(now.session);
      throw new AuthError({ code: "UNAVAILABLE", reason: `the login of ${account} can't be confirmed now` });
    },
    async close() {
      await Promise.allSettled(asking.values());
    },
  };

  /** The name was given to somebody else: tokens of the one who had it before must not open what is theirs now. */
  async function endTokens(account: string): Promise<void> {
    for await (const { id, token } of tokens.list(account)) {
      if (token?.source === source) await tokens.remove(id);
    }
    log.warn("an account belongs to someone else at its provider now; the previous holder's tokens were revoked", {
      account,
    });
  }
}

/** The stamp is of whom the provider means by the account: another holder isn't logged in by what the one before began. */
function knownOf({ account, labels, provider, subject }: Session): KnownAccount {
  const stamp = hash("sha256", JSON.stringify(["login", account, provider, subject]), "base64url");
  return { identity: { account, labels: new Map(Object.entries(labels)) }, stamp };
}

/** A fault of the storage as AuthError UNAVAILABLE. */
export async function storageAvailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAuthError(error) || error instanceof LoginRefused) throw error;
    const reason = `logins can't be read or kept now: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "UNAVAILABLE", reason }, { cause: error });
  }
}
