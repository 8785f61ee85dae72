import type { Access, AuthorizeOptions, AuthRequest, BrowserLogins, Grant } from "../access-controller.js";
import type { Identity, PasswordAuthenticator } from "./identity.js";

/** What {@link createPasswordLogins} works with. */
export interface PasswordLoginsOptions {
  readonly passwords: PasswordAuthenticator;
  /** Whether clients that don't log in may do anything. */
  readonly anonymous: boolean;
  /** Throws AuthError for what the rules don't grant. */
  readonly authorize: (identity: Identity, request: AuthRequest, accesses: readonly Access[]) => Grant;
  /** Decides on requests without a login, which may be from the holder of a certificate. Throws AuthError. */
  readonly authorizeOthers: (
    request: AuthRequest,
    accesses: readonly Access[],
    options?: AuthorizeOptions,
  ) => Grant | Promise<Grant>;
  /** Throws AuthError for wrong credentials. */
  readonly refuse: (request: AuthRequest, reason: string, account: string | undefined) => never;
}

/** Logins with a browser that end when the account or its password changes. */
export function createPasswordLogins(options: PasswordLoginsOptions): BrowserLogins {
  const { passwords, anonymous, authorize, authorizeOthers, refuse } = options;
  return {
    anonymous,
    async logIn(credentials, request, callOptions) {
      const verify = async () => {
        const found = await passwords.verify(credentials, request.remoteAddress, callOptions);
        if (found.outcome === "identified") return found.identity;
        return refuse(request, found.outcome === "failed" ? found.reason : "no such account", credentials.account);
      };
      // First of all, since this is throttled.
      const { account } = await verify();
      const known = await passwords.lookup(account);
      if (known === undefined) return refuse(request, "no such account", account);
      // A login by the old password must not count for one that was set meanwhile.
      await verify();
      return { account, source: passwords.name, stamp: known.stamp };
    },
    async authorize(login, request, accesses, callOptions) {
      const known = login?.source === passwords.name ? await passwords.lookup(login.account) : undefined;
      return known === undefined || known.stamp !== login?.stamp
        ? authorizeOthers(request, accesses, callOptions)
        : authorize(known.identity, request, accesses);
    },
  };
}
