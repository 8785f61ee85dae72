import { isAccountName } from "../../identities/basic.js";

/** What an htpasswd file says. */
export interface PasswordList {
  /** bcrypt hashes by account; an account that can't log in isn't there. */
  readonly hashes: ReadonlyMap<string, string>;
  /** The highest cost of its hashes: what an attempt for an account that isn't there has to take. */
  readonly cost: number;
  readonly problems: readonly LineProblem[];
  /** Whether its last line is one that can't be read and has no end: it may be in the middle of being written. */
  readonly torn: boolean;
}

/** A line that lets nobody in, by its number from 1. What stands in it isn't told: it may be a password. */
export interface LineProblem {
  readonly line: number;
  readonly reason: string;
}

/** The cost where no hash names one: the original's (contract §4.3). */
export const DEFAULT_COST = 10;

const BCRYPT = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** The cost of a bcrypt hash; undefined where `hash` is none. */
export function bcryptCost(hash: string): number | undefined {
  const cost = BCRYPT.exec(hash)?.[1];
  return cost === undefined ? undefined : Number(cost);
}

/** A hash of no password that takes as long to compare as one of `cost`. */
export function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}

type Line = { readonly account: string; readonly hash: string | undefined } | { readonly reason: string };

function parseLine(line: string): Line {
  const colon = line.indexOf(":");
  if (colon < 0) return { reason: "it has no colon between name and hash" };
  const account = line.slice(0, colon);
  if (!isAccountName(account) || account.includes("\ufffd"))
    return { reason: "its name is empty or too long, has control characters, or isn't UTF-8" };
  const hash = line.slice(colon + 1);
  return { account, hash: bcryptCost(hash) === undefined ? undefined : hash };
}

/**
 * Reads the lines of an htpasswd file (contract §4.3): blank ones and those that begin with `#` are skipped, the last line of
 * an account counts, only bcrypt lets anybody in. A line that can't be read is named, and the others count.
 */
export function parsePasswordList(bytes: Uint8Array): PasswordList {
  const hashes = new Map<string, string>();
  const problems: LineProblem[] = [];
  const lines = new TextDecoder().decode(bytes).split("\n");
  for (const [index, untrimmed] of lines.entries()) {
    const text = untrimmed.trim();
    if (text === "" || text.startsWith("#")) continue;
    const line = parseLine(text);
    if ("reason" in line) {
      problems.push({ line: index + 1, reason: line.reason });
      continue;
    }
    if (line.hash === undefined) {
      hashes.delete(line.account);
      problems.push({
        line: index + 1,
        reason: "its hash isn't bcrypt, so that its user can't log in; write it with htpasswd -B",
      });
    } else hashes.set(line.account, line.hash);
  }
  const costs = Array.from(hashes.values(), (hash) => bcryptCost(hash) ?? DEFAULT_COST);
  // The last piece of a split is what stands behind the last newline.
  const torn = problems.at(-1)?.line === lines.length;
  return { hashes, cost: costs.length === 0 ? DEFAULT_COST : Math.max(...costs), problems, torn };
}
