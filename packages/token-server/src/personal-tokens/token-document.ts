import type { KeptToken } from "./token-record.js";

/** A token as the API and the command line show it: without its text, which is kept nowhere. */
export interface TokenDocument {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly robot: boolean;
  /** Null: all that the account may do. */
  readonly scopes: readonly string[] | null;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly source: string | null;
  /** RFC 3339. */
  readonly created_at: string;
  readonly created_by: string;
  /** Null: never. */
  readonly expires_at: string | null;
  /** To the minute; null: not yet. */
  readonly last_used_at: string | null;
}

/** The document of `token`, which was last used at `lastUsed` (ms since 1970). */
export function documentOf(token: KeptToken, lastUsed: number | undefined): TokenDocument {
  const { id, name, account, robot, scopes, labels, source, created, creator, expires } = token;
  return {
    id,
    name,
    account,
    robot,
    scopes: scopes ?? null,
    labels,
    source: source ?? null,
    created_at: timeOf(created),
    created_by: creator,
    expires_at: expires === undefined ? null : timeOf(expires),
    last_used_at: lastUsed === undefined ? null : timeOf(lastUsed),
  };
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
