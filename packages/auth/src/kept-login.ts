/** What is kept of a login in place of its password, so that the same account can be recognised again. It holds no secret. */
export interface KeptLogin {
  readonly account: string;
  /** What vouched for it, as the configuration calls it. */
  readonly source: string;
  /** When it was (ms since 1970), if its source has a way to end what came before. */
  readonly since?: number | undefined;
  /** Changes with the account's password, and tells nothing about it; undefined if the source can't tell. */
  readonly stamp?: string | undefined;
  /** By what the source knows credentials that are good for less than the account, such as a personal access token. */
  readonly credential?: string | undefined;
  /** The account's labels, if its source can't look accounts up: they stay what they were. */
  readonly labels?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** How a person may log in with a browser. */
export type LoginWay =
  /** With a name and a password, or a personal access token in its place. */
  | { readonly kind: "password" }
  /** At a provider: `path` below the registry's address sends the browser there. */
  | { readonly kind: "provider"; readonly name: string; readonly title: string; readonly path: string }
  /** At another server, which issues the registry's tokens: a page asks it for them, if that server lets pages of other hosts ask. */
  | { readonly kind: "realm"; readonly realm: string; readonly service: string };
