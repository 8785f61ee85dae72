import { isAccountName } from "../../identities/basic.js";

/** The content of an htpasswd file. */
export interface PasswordList {
  /** bcrypt hashes by account, without accounts that can't log in. */
  readonly hashes: ReadonlyMap<string, string>;
  /** The highest cost of its hashes, which an attempt for an unknown account has to take as well. */
  readonly cost: number;
  readonly problems: readonly LineProblem[];
  /** Whether its last line is unusable and has no line end: the file may be in the middle of being written. */
  readonly torn: boolean;
}

/** An unusable line, by its number from 1. Its content isn't reported: it may be a password. */
interface LineProblem {
  readonly line: number;
  readonly reason: string;
}

/** The cost if no hash states one: that of Distribution (wire contract §4.3). */
export const DEFAULT_COST = 10;

const BCRYPT = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** The cost of a bcrypt hash; undefined if `hash` isn't one. */
export function bcryptCost(hash: string): number | undefined {
  const cost = BCRYPT.exec(hash)?.[1];
  return cost === undefined ? undefined : Number(cost);
}

/** A hash that no password matches, and that takes as long to compare as others of this cost. */
export function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}

/** `hash` is undefined, and there is a reason, if the account can't log in. */
type Line =
  | { readonly account: string; readonly hash: string }
  | { readonly account: string; readonly hash: undefined; readonly reason: string }
  | { readonly account: undefined; readonly reason: string };

const NOT_BCRYPT = "its hash isn't bcrypt, so its user can't log in; write it with htpasswd -B";
const DOUBLED_DOLLARS =
  "its hash has $$ where $ belongs, so its user can't log in; only a Compose file needs the dollar signs doubled";

function parseLine(line: string): Line {
  // Apache's tools and Distribution ignore anything after a second colon; people write comments there.
  const [account = "", hash] = line.split(":");
  if (hash === undefined) return { account: undefined, reason: "it has no colon between name and hash" };
  if (!isAccountName(account) || account.includes("\ufffd"))
    return {
      account: undefined,
      reason: "its name is empty or too long, has control characters, or isn't UTF-8",
    };
  if (bcryptCost(hash) !== undefined) return { account, hash };
  const isDoubled = bcryptCost(hash.replaceAll("$$", "$")) !== undefined;
  return { account, hash: undefined, reason: isDoubled ? DOUBLED_DOLLARS : NOT_BCRYPT };
}

/**
 * Reads an htpasswd file (wire contract §4.3). Blank lines and lines that begin with `#` are skipped; of several lines for an
 * account the last one counts; text after a second colon is a comment; only bcrypt hashes are usable. Unusable lines are
 * reported, and the others count.
 */
export function parsePasswordList(bytes: Uint8Array): PasswordList {
  const hashes = new Map<string, string>();
  const problems: LineProblem[] = [];
  const lines = new TextDecoder().decode(bytes).split("\n");
  for (const [index, untrimmed] of lines.entries()) {
    const text = untrimmed.trim();
    if (text === "" || text.startsWith("#")) continue;
    const line = parseLine(text);
    if ("reason" in line) problems.push({ line: index + 1, reason: line.reason });
    if (line.account === undefined) continue;
    if (line.hash === undefined) hashes.delete(line.account);
    else hashes.set(line.account, line.hash);
  }
  const costs = Array.from(hashes.values(), (hash) => bcryptCost(hash) ?? DEFAULT_COST);
  // The last element of the split is what follows the last newline.
  const torn = problems.at(-1)?.line === lines.length;
  return { hashes, cost: costs.length === 0 ? DEFAULT_COST : Math.max(...costs), problems, torn };
}
