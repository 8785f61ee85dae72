import type { Clock, Records } from "@longshore/auth";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { available } from "../keys/key-record.js";
import { createRecentReads } from "../recent-reads.js";

/** Whose login a refresh token stands for. */
interface RefreshSubject {
  /** The source that identified the account. */
  readonly source: string;
  readonly account: string;
  /** The one audience that it is good for. */
  readonly service: string;
  /** What the source says of the account's password; undefined if it says nothing. */
  readonly stamp: string | undefined;
}

/** A refresh token that is genuine and neither expired nor revoked. */
interface RedeemedRefresh extends Omit<RefreshSubject, "stamp"> {
  /** Whether it was issued for the password that has this stamp. */
  isFor(stamp: string | undefined): boolean;
}

/** Refresh tokens: opaque to clients, reusable (Docker keeps one for all of its processes), and the same on every replica. */
export interface RefreshTokens {
  issue(subject: RefreshSubject): string;
  /** Undefined if it is none of ours, expired or revoked. Throws AuthError UNAVAILABLE. */
  redeem(token: string): Promise<RedeemedRefresh | undefined>;
  /** Whether logins of `account` that began at `since` (ms since 1970) were ended by {@link revokeRefreshTokens}. Throws AuthError UNAVAILABLE. */
  isRevoked(account: string, since: number): Promise<boolean>;
}

/** What secret scanners and people recognise one by. */
const REFRESH_PREFIX = "lsr_";

const SECRET = "token-server/refresh-secret";
const SECRET_BYTES = 32;

/** Positional, so that it stays short: source, account, service, issued at (s), expires (s), stamp, nonce. */
const PAYLOAD = z.tuple([z.string(), z.string(), z.string(), z.int(), z.int(), z.string(), z.string()]);

/**
 * Opens refresh tokens over `records`, which hold the key that they are sealed with. A token holds no password and isn't stored;
 * `lifetime` in milliseconds. Throws AuthError UNAVAILABLE.
 */
export async function openRefreshTokens(
  records: Records,
  { clock, lifetime }: { readonly clock: Clock; readonly lifetime: number },
): Promise<RefreshTokens> {
  const secret = await readOrCreateSecret(records);
  const revocations = createRecentReads((account) => revokedUntil(records, account), clock);
  const seal = (text: string): Buffer => createHmac("sha256", secret).update(text).digest();
  const stampDigest = (account: string, stamp: string | undefined): string =>
    stamp === undefined ? "" : seal(JSON.stringify(["stamp", account, stamp])).toString("base64url");

  async function isRevoked(account: string, since: number): Promise<boolean> {
    return since <= (revocations.recall(account) ?? (await revocations.find(account)) ?? 0);
  }

  return {
    isRevoked,
    issue({ source, account, service, stamp }) {
      const now = Math.floor(clock() / 1000);
      const nonce = randomBytes(9).toString("base64url");
      const expires = now + Math.floor(lifetime / 1000);
      const payload = [source, account, service, now, expires, stampDigest(account, stamp), nonce];
      const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
      return `${REFRESH_PREFIX}${text}.${seal(text).toString("base64url")}`;
    },
    async redeem(token) {
      if (!token.startsWith(REFRESH_PREFIX)) return undefined;
      const dot = token.indexOf(".");
      const text = token.slice(REFRESH_PREFIX.length, dot < 0 ? undefined : dot);
      // Compared as it is written: each token has one spelling.
      const given = Buffer.from(token.slice(REFRESH_PREFIX.length + text.length + 1));
      const expected = Buffer.from(seal(text).toString("base64url"));
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const parsed = PAYLOAD.safeParse(parseJson(Buffer.from(text, "base64url").toString("utf8")));
      if (!parsed.success) return undefined;
      const [source, account, service, issuedAt, expires, stampOf] = parsed.data;
      if (clock() >= expires * 1000) return undefined;
      if (await isRevoked(account, issuedAt * 1000)) return undefined;
      return { source, account, service, isFor: (stamp) => stampOf === stampDigest(account, stamp) };
    },
  };
}

/**
 * Ends every refresh token of `account` that was issued until `now` (ms since 1970), on every replica within a second. Throws AuthError
 * UNAVAILABLE.
 */
export async function revokeRefreshTokens(records: Records, account: string, now: number): Promise<void> {
  const name = revocationOf(account);
  await available(async () => {
    for (;;) {
      const found = await records.read(name);
      // One that began earlier and writes later takes nothing back.
      const known = found === undefined ? undefined : parseRevocation(found.value);
      const value = Buffer.from(JSON.stringify({ until: Math.max(now, known ?? 0) }));
      const done = found === undefined ? records.create(name, value) : records.replace(name, value, found.version);
      if (await done) return;
    }
  });
}

const REVOCATION = z.object({ until: z.number() });

/** Milliseconds since 1970; 0: nothing of this account is revoked. */
async function revokedUntil(records: Records, account: string): Promise<number> {
  const found = await available(() => records.read(revocationOf(account)));
  if (found === undefined) return 0;
  // A revocation that can't be read revokes.
  return parseRevocation(found.value) ?? Number.POSITIVE_INFINITY;
}

function parseRevocation(value: Uint8Array): number | undefined {
  return REVOCATION.safeParse(parseJson(Buffer.from(value).toString("utf8"))).data?.until;
}

/** By digest: an account's name needn't be a record's. */
function revocationOf(account: string): string {
  return `token-server/revoked/${createHash("sha256").update(account).digest("hex")}`;
}

async function readOrCreateSecret(records: Records): Promise<Uint8Array> {
  return available(async () => {
    const there = await records.read(SECRET);
    if (there !== undefined) return there.value;
    await records.create(SECRET, randomBytes(SECRET_BYTES));
    const created = await records.read(SECRET);
    if (created === undefined) throw new Error("the key of refresh tokens was removed while it was created");
    return created.value;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
