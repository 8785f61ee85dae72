import { flag, list, object, optional, record, text, type Decoded } from "./decode.js";
import { ask, send } from "./http.js";

const shape = {
  id: text,
  name: text,
  account: text,
  robot: flag,
  /** Absent: whatever the account may do. */
  scopes: optional(list(text)),
  labels: record(list(text)),
  created_at: text,
  created_by: text,
  /** Absent: never. */
  expires_at: optional(text),
  /** To the minute; absent: not yet. */
  last_used_at: optional(text),
};
const token = object(shape);
/** A personal access token, or a robot's, without its text. */
export type Token = Decoded<typeof token>;

const created = object({ ...shape, token: text });
/** One that was just made, with its text, which the registry never tells again. */
export type NewToken = Decoded<typeof created>;

const page = object({ tokens: list(token), damaged: optional(list(text)), next: optional(text) });

/** What a token shall be. */
export interface TokenWish {
  readonly name: string;
  /** Of a robot; undefined: the viewer's own account. */
  readonly robot?: string | undefined;
  /** Undefined: whatever the account may do. */
  readonly scopes?: readonly string[] | undefined;
  /** `30d`, a date or `never`; undefined: the registry's default. */
  readonly expires?: string | undefined;
}

/** Tokens, and the names of those whose records can't be read. */
export interface TokenList {
  readonly tokens: readonly Token[];
  readonly damaged: readonly string[];
  /** Whether there are more than are read here. */
  readonly isCut: boolean;
}

const PATH = "auth/tokens";
/** Pages of the API, of 1,000 each: more than anybody looks through. */
const MOST_PAGES = 10;

/** The viewer's own tokens; with `all`, everybody's. */
export async function listTokens(all: boolean, signal?: AbortSignal): Promise<TokenList> {
  const tokens: Token[] = [];
  const damaged: string[] = [];
  let after: string | undefined;
  for (let read = 0; read < MOST_PAGES; read += 1) {
    const found = await ask(PATH, page, { query: { all: all || undefined, after }, signal });
    tokens.push(...found.tokens);
    damaged.push(...(found.damaged ?? []));
    after = found.next;
    if (after === undefined) break;
  }
  return { tokens, damaged, isCut: after !== undefined };
}

export function createToken(wish: TokenWish): Promise<NewToken> {
  return ask(PATH, created, { method: "POST", body: wish });
}

export async function revokeToken(id: string): Promise<void> {
  await send(`${PATH}/${encodeURIComponent(id)}`, { method: "DELETE" });
}
