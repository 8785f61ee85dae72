import type { AuthLog, Clock } from "@longshore/auth";
import type { KeptToken } from "../../../personal-tokens/token-record.js";
import type { TokenStore } from "../../../personal-tokens/token-store.js";
import { describeToken } from "../../../personal-tokens/token-wish.js";
import type { LoginProvider, ProvidedLogin } from "../provider.js";
import type { LoginSessions } from "../sessions/login-sessions.js";

/** What {@link createTokenIssuer} works with. */
export interface TokenIssuerOptions {
  readonly sessions: LoginSessions;
  readonly tokens: TokenStore;
  /** What the tokens have as their source. */
  readonly source: string;
  /** Of the tokens (ms). */
  readonly lifetime: number;
  readonly clock: Clock;
  readonly log: AuthLog;
}

/** Gives a personal access token to somebody who logged in at a provider. Throws LoginRefused, and what the storage throws. */
export type TokenIssuer = (
  provider: LoginProvider,
  login: ProvidedLogin,
) => Promise<{ readonly text: string; readonly kept: KeptToken }>;

/** Tokens that end with their lifetime, and with the account at its provider. */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { sessions, tokens, source, lifetime, clock, log } = options;
  return async (provider, login) => {
    const { account } = login.identity;
    await sessions.begin(provider.name, login);
    const now = clock();
    const wish = { account, name: `login with ${provider.title}`, source };
    const token = describeToken(wish, { now, maxLifetime: lifetime, creator: account, sources: [source] });
    const made = await tokens.create({ ...token, expires: now + lifetime });
    log.info("a personal access token was created", { id: made.kept.id, account, by: provider.name });
    return made;
  };
}
