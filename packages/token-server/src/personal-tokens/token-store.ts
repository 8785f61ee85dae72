import type { Records } from "../contract.js";
import { digestOf, generateToken, idOf, idOfDigest, isSameDigest, isTokenId } from "./token-text.js";
import {
  ownerFolder,
  readRecord,
  tokenName,
  TOKENS,
  writeRecord,
  type KeptToken,
  type ListedToken,
  type TokenRecord,
} from "./token-record.js";

/** What a new token is made with. */
export type NewToken = Omit<TokenRecord, "version" | "digest">;

/** Personal access tokens on the registry's storage. Throws what {@link Records} throws. */
export interface TokenStore {
  /** Keeps a new token, and tells its text this once. */
  create(token: NewToken): Promise<{ readonly text: string; readonly kept: KeptToken }>;
  /** The token whose text has this digest as it is kept now, expired or not; undefined if there is none. Throws an Error if its record is damaged. */
  find(digest: string): Promise<KeptToken | undefined>;
  /** Undefined if there is none. */
  read(id: string): Promise<ListedToken | undefined>;
  /** Those of `account`, or all, with those whose record is damaged; in no order that means anything. */
  list(account?: string): AsyncIterable<ListedToken>;
  /** Ends a token; resolves with what it was, undefined if there was none. */
  remove(id: string): Promise<ListedToken | undefined>;
}

/** The tokens in `records`. */
export function openTokenStore(records: Records): TokenStore {
  async function read(id: string): Promise<ListedToken | undefined> {
    const found = isTokenId(id) ? await records.read(tokenName(id)) : undefined;
    return found === undefined ? undefined : readRecord(id, found.value);
  }

  async function* list(folder: string): AsyncIterable<ListedToken> {
    for await (const name of records.list(folder)) {
      const listed = await read(name.slice(name.lastIndexOf("/") + 1));
      if (listed !== undefined) yield listed;
    }
  }

  return {
    async create(token) {
      const text = generateToken();
      const record: TokenRecord = { ...token, version: 1, digest: digestOf(text) };
      const id = idOf(text);
      // First, so that no token is good which its owner's list doesn't show. An entry without a token is harmless.
      await records.create(`${ownerFolder(token.account)}/${id}`, new Uint8Array());
      if (await records.create(tokenName(id), writeRecord(record))) return { text, kept: { ...record, id } };
      throw new Error("a new token has the name of an older one; try again");
    },
    async find(digest) {
      const id = idOfDigest(digest);
      const listed = await read(id);
      if (listed === undefined) return undefined;
      const { token } = listed;
      if (token === undefined)
        throw new Error(`the record of personal access token ${id} can't be read; revoke the token`);
      return isSameDigest(token.digest, digest) ? token : undefined;
    },
    read,
    list: (account) => list(account === undefined ? TOKENS : ownerFolder(account)),
    async remove(id) {
      const listed = await read(id);
      if (listed === undefined) return undefined;
      await records.remove(tokenName(id));
      if (listed.token !== undefined) await records.remove(`${ownerFolder(listed.token.account)}/${id}`);
      return listed;
    },
  };
}
