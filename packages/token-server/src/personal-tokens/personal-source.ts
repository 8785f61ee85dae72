import { AuthError, isAuthError, type Identity, type PasswordCredentials } from "@longshore/auth";
import type { IdentitySource, Login, LoginContext, SourcePorts } from "../contract.js";
import { createRecentReads } from "../recent-reads.js";
import { openLastUse } from "./last-use.js";
import type { PersonalOptions } from "./personal-options.js";
import { createTokenOwners } from "./token-owners.js";
import { tokenPages } from "./api/token-pages.js";
import type { KeptToken } from "./token-record.js";
import { compileScopes } from "./token-scopes.js";
import { openTokenStore } from "./token-store.js";
import { digestOf, isWellFormed, looksLikeToken } from "./token-text.js";

/** What a source of this kind is called. */
const PERSONAL = "personal";

/** Personal access tokens as passwords; whatever user name comes with one, the token says whose it is. */
export function openPersonalSource(options: PersonalOptions, ports: SourcePorts): IdentitySource {
  const { records, log, clock, site, service } = ports;
  const store = openTokenStore(records);
  const known = createRecentReads((digest) => store.find(digest), clock);
  const lastUse = openLastUse(records, { log, clock });
  const owners = createTokenOwners({ site, recheck: options.recheck, grace: options.grace, clock, log });

  async function find(digest: string): Promise<KeptToken | undefined> {
    try {
      return await known.find(digest);
    } catch (error) {
      if (isAuthError(error)) throw error;
      const reason = `personal access tokens can't be read: ${error instanceof Error ? error.message : "unknown fault"}`;
      throw new AuthError({ code: "UNAVAILABLE", reason }, { cause: error });
    }
  }

  async function verify({ password }: PasswordCredentials, context: LoginContext): Promise<Login> {
    if (!looksLikeToken(password)) return { outcome: "unknown" };
    if (!isWellFormed(password)) return failed("a personal access token with a typing error");
    return resume(digestOf(password), context);
  }

  async function resume(digest: string, context: LoginContext): Promise<Login> {
    const token = await find(digest);
    if (token === undefined) return failed("a personal access token that doesn't exist or was revoked");
    const { id, account, expires } = token;
    if (expires !== undefined && clock() >= expires)
      return failed(`personal access token ${id} of ${account} has expired`);
    const identity = await owners.identify(token, context);
    if (identity === undefined) return failed(`the account ${account} of personal access token ${id} is gone`);
    return identified(token, identity);
  }

  function identified({ id, scopes, digest }: KeptToken, identity: Identity): Login {
    lastUse.note(id);
    // No refresh token: it would outlive the token, and clients keep the token itself.
    return {
      outcome: "identified",
      identity: { ...identity, token: id },
      renewable: false,
      limit: compileScopes(scopes),
      credential: digest,
    };
  }

  return {
    name: PERSONAL,
    verify,
    resume,
    recall({ password }) {
      // A password of another source must not wait here for its turn.
      if (!looksLikeToken(password)) return { outcome: "unknown" };
      const token = known.recall(digestOf(password));
      if (token === undefined || (token.expires !== undefined && clock() >= token.expires)) return undefined;
      const identity = owners.recall(token);
      return identity === undefined ? undefined : identified(token, identity);
    },
    pages: tokenPages({
      store,
      lastUse,
      site,
      service,
      clock,
      log,
      maxLifetime: options.maxlifetime,
      forget: () => known.forget(),
    }),
    close: () => lastUse.close(),
  };
}

function failed(reason: string): Login {
  return { outcome: "failed", reason };
}
