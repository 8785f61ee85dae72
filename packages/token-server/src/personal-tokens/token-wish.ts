import { isAccountName } from "@longshore/auth";
import { DAY, parseDuration } from "@longshore/base/duration";
import { isRobot, robotAccount } from "./robot-name.js";
import { normalizeScopes } from "./token-scopes.js";
import type { NewToken } from "./token-store.js";

/** What somebody wants a token to be, as they wrote it. */
export interface TokenWish {
  /** The account of a person; undefined for a robot. */
  readonly account?: string | undefined;
  /** The name of a robot. */
  readonly robot?: string | undefined;
  readonly name?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** `720h`, `90d`, a date, or `never`; undefined: 90 days, or as long as is allowed. */
  readonly expires?: string | undefined;
  readonly labels?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The source that knows the account. */
  readonly source?: string | undefined;
}

/** What is allowed. Times in milliseconds. */
export interface TokenPolicy {
  readonly now: number;
  /** Of a person's token; 0: any. */
  readonly maxLifetime: number;
  /** Who creates it. */
  readonly creator: string;
  /** The sources that a wish may name. */
  readonly sources: readonly string[];
}

/** A token can't be as it is wanted; the message says why, for people. */
export class TokenWishError extends Error {
  override readonly name = "TokenWishError";
}

const DEFAULT_LIFETIME = 90 * DAY;

/** As far as a calendar goes (RFC 3339: four digits of a year). */
const LATEST = Date.UTC(9999, 11, 31);

const LONGEST_NAME = 200;
const MOST_LABELS = 100;

/** The token that is wanted, checked. Throws {@link TokenWishError}. */
export function describeToken(wish: TokenWish, policy: TokenPolicy): NewToken {
  const robot = wish.robot !== undefined;
  const account = accountOf(wish);
  const name = wish.name ?? "";
  if (name.length > LONGEST_NAME || /\p{Cc}/u.test(name))
    throw new TokenWishError("the name is too long or has control characters");
  if (wish.source !== undefined && !policy.sources.includes(wish.source)) {
    const known = policy.sources.length === 0 ? "none is configured" : `configured are ${policy.sources.join(", ")}`;
    throw new TokenWishError(`there is no source ${JSON.stringify(wish.source.slice(0, 80))} of accounts: ${known}`);
  }
  if (robot && wish.source !== undefined) throw new TokenWishError("a robot is in no source: it exists by its tokens");
  const labels = Object.entries(wish.labels ?? {});
  if (labels.length > MOST_LABELS || labels.some(([, values]) => values.length > MOST_LABELS)) {
    throw new TokenWishError(`more than ${MOST_LABELS} labels, or values of one`);
  }
  return {
    account,
    robot,
    name,
    labels: Object.fromEntries(labels.map(([label, values]) => [label, [...values]])),
    scopes: explained(() => normalizeScopes(wish.scopes ?? [])),
    source: wish.source,
    created: policy.now,
    creator: policy.creator,
    expires: expiryOf(wish.expires, robot ? 0 : policy.maxLifetime, policy.now),
  };
}

function accountOf({ account, robot }: TokenWish): string {
  if (account === undefined && robot === undefined) throw new TokenWishError("an account or a robot is needed");
  if (account !== undefined && robot !== undefined)
    throw new TokenWishError("a token is for an account or for a robot, not for both");
  if (robot !== undefined) return explained(() => robotAccount(robot));
  const name = account ?? "";
  if (!isAccountName(name)) throw new TokenWishError("no account has such a name");
  if (isRobot(name))
    throw new TokenWishError(
      `${name} is a robot's account: name the robot ${name.slice(name.indexOf("/") + 1)} instead`,
    );
  return name;
}

function expiryOf(text: string | undefined, maxLifetime: number, now: number): number | undefined {
  const longest = maxLifetime === 0 ? Number.POSITIVE_INFINITY : maxLifetime;
  if (text === undefined) return now + Math.min(DEFAULT_LIFETIME, longest);
  const lifetime =
    text === "never" ? Number.POSITIVE_INFINITY : (parseLifetime(text) ?? Date.parse(dateOf(text)) - now);
  if (!(lifetime > 0)) throw new TokenWishError(`the token would have expired already: ${text}`);
  if (lifetime > longest) {
    throw new TokenWishError(
      `the token would be good for longer than maxlifetime allows: at most ${Math.floor(longest / DAY)} days`,
    );
  }
  return lifetime === Number.POSITIVE_INFINITY ? undefined : Math.min(now + Math.ceil(lifetime), LATEST);
}

/** Milliseconds; undefined if `text` is no duration. */
function parseLifetime(text: string): number | undefined {
  const days = /^(\d{1,6})d$/.exec(text)?.[1];
  return days === undefined ? parseDuration(text) : Number(days) * DAY;
}

function dateOf(text: string): string {
  if (/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[-+]\d\d:\d\d))?$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new TokenWishError(`${JSON.stringify(text.slice(0, 80))} is no time: write 90d, 720h, 2027-01-31 or never`);
}

function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TokenWishError(error instanceof Error ? error.message : "it can't be read", { cause: error });
  }
}
