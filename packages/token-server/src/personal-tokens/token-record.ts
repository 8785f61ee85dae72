import { hash } from "node:crypto";
import { z } from "zod";

/** What is kept of a personal access token. Times in milliseconds since 1970. */
const RECORD = z.object({
  version: z.literal(1),
  /** SHA-256 of the token, in hex. The token itself is kept nowhere. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string().min(1),
  /** Whether the account is a robot's: it exists by its tokens alone. */
  robot: z.boolean(),
  /** What its holder calls it. */
  name: z.string(),
  labels: z.record(z.string(), z.array(z.string())),
  /** `type:name:actions`; undefined: all that the account may do. */
  scopes: z.array(z.string()).optional(),
  /** The source that knows the account, and is asked whether it still does; undefined: who created the token vouches for it. */
  source: z.string().optional(),
  created: z.number(),
  /** Who created it: an account, or the command line. */
  creator: z.string(),
  /** Undefined: never. */
  expires: z.number().optional(),
});

/** A personal access token as it is kept. */
export type TokenRecord = z.output<typeof RECORD>;

/** A token with the name that lists and commands have for it. */
export interface KeptToken extends TokenRecord {
  readonly id: string;
}

export const TOKENS = "token-server/personal-tokens";
/** Which tokens an account has, so that a list needn't read those of all others. */
const OWNERS = "token-server/personal-token-owners";

/** The name of a token's record. */
export function tokenName(id: string): string {
  return `${TOKENS}/${id}`;
}

/** The folder of an account's tokens, by digest: an account's name needn't be a record's. */
export function ownerFolder(account: string): string {
  return `${OWNERS}/${hash("sha256", account, "hex")}`;
}

/** The bytes of a record. */
export function writeRecord(record: TokenRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** A token with its record, as lists have it. */
export interface ListedToken {
  readonly id: string;
  /** Undefined: the record is damaged, or of a later version. Such a token isn't good for anything. */
  readonly token: KeptToken | undefined;
}

/** Reads a record. */
export function readRecord(id: string, value: Uint8Array): ListedToken {
  const { data } = RECORD.safeParse(parseJson(value));
  return { id, token: data && { ...data, id } };
}

function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString("utf8"));
  } catch {
    return undefined;
  }
}
