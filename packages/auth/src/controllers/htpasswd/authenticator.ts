import { createHash } from "node:crypto";
import type { AuthorizeOptions } from "../../contract.js";
import { AuthError } from "../../errors.js";
import { basicCredentials, isAccountName } from "../../identities/basic.js";
import type {
  Authentication,
  Identity,
  PasswordAuthenticator,
  PasswordCredentials,
} from "../../identities/contract.js";
import type { WatchedFile } from "../../keys/watched-file.js";
import type { FairQueue } from "../../throttle/fair-queue.js";
import { sourceOf } from "../../throttle/source.js";
import type { LoginThrottle } from "../../throttle/throttle.js";
import type { PasswordComparer } from "./bcrypt-pool.js";
import { bcryptCost, DEFAULT_COST, dummyHash, type PasswordList } from "./password-list.js";
import type { VerifiedPasswords } from "./verified-passwords.js";

/** What an htpasswd authenticator works with; it owns the comparer and closes it. */
export interface HtpasswdParts {
  readonly file: WatchedFile<PasswordList>;
  readonly comparer: PasswordComparer;
  readonly verified: VerifiedPasswords;
  readonly throttle: LoginThrottle;
  readonly queue: FairQueue;
}

/** Seconds after which a login that found too many others waiting is worth another try. */
const OVERLOAD_RETRY = 5;

function identityOf(account: string): Identity {
  return { account, labels: new Map() };
}

function identified(account: string): Authentication {
  return { outcome: "identified", identity: identityOf(account) };
}

/** Changes with the hash, and tells neither it nor the password. */
function stampOf(account: string, hash: string): string {
  return createHash("sha256")
    .update(JSON.stringify(["htpasswd", account, hash]))
    .digest("base64url");
}

/**
 * Compares in the time of one hash of the list's highest cost, whether the account is there or not and whatever its own cost:
 * a hash of cost c and dummies of cost c, c+1, … up to below the highest add up to just that. A right password has no
 * reason to hide.
 */
async function compareEvenly(
  comparer: PasswordComparer,
  password: string,
  list: PasswordList,
  hash: string | undefined,
): Promise<boolean> {
  if (hash === undefined) {
    await comparer.compare(password, dummyHash(list.cost));
    return false;
  }
  if (await comparer.compare(password, hash)) return true;
  for (let cost = bcryptCost(hash) ?? DEFAULT_COST; cost < list.cost; cost += 1)
    await comparer.compare(password, dummyHash(cost));
  return false;
}

/** Passwords in Basic credentials against the list of an htpasswd file (contract §4.3). */
export function createHtpasswdAuthenticator(parts: HtpasswdParts): PasswordAuthenticator {
  const { file, comparer, verified, throttle, queue } = parts;
  /** Comparisons under way: clients open several connections with the same credentials at once. */
  const pending = new Map<string, Promise<Authentication>>();

  function refuseEarly(account: string, remoteAddress: string | undefined): void {
    const wait = throttle.wait(account, remoteAddress);
    if (wait === 0) return;
    const reason = "too many failed logins; wait before the next one";
    throw new AuthError({ code: "THROTTLED", retryAfter: Math.ceil(wait / 1000), reason, account });
  }

  async function compare(
    { account, password }: PasswordCredentials,
    remoteAddress: string | undefined,
  ): Promise<Authentication> {
    // Others from the same address may have failed while this one waited.
    refuseEarly(account, remoteAddress);
    const list = file.value;
    const hash = list.hashes.get(account);
    const right = await compareEvenly(comparer, password, list, hash).catch((error: unknown) => {
      throw new AuthError({ code: "UNAVAILABLE", reason: "passwords can't be compared now" }, { cause: error });
    });
    if (right && hash !== undefined) {
      verified.add(verified.key(account, password, hash));
      verified.add(keyAt(remoteAddress, account, password, hash));
      throttle.succeeded(account, remoteAddress);
      return identified(account);
    }
    throttle.failed(account, remoteAddress);
    return { outcome: "failed", account, reason: "unknown user or wrong password" };
  }

  function enqueue(credentials: PasswordCredentials, remoteAddress: string | undefined): Promise<Authentication> {
    const { account } = credentials;
    refuseEarly(account, remoteAddress);
    const answer = queue.run(sourceOf(remoteAddress), () => compare(credentials, remoteAddress));
    if (answer !== undefined) return answer;
    const reason = "too many logins wait for their password to be compared";
    throw new AuthError({ code: "THROTTLED", retryAfter: OVERLOAD_RETRY, reason, account });
  }

  function keyAt(remoteAddress: string | undefined, account: string, password: string, hash: string): string {
    return verified.key(`${sourceOf(remoteAddress)} ${account}`, password, hash);
  }

  /**
   * A password that was right for one address needs no comparison from another, unless that one has to wait: whoever guesses
   * there would be told as often as they ask.
   */
  function isRemembered(
    { account, password }: PasswordCredentials,
    hash: string,
    here: string,
    remoteAddress: string | undefined,
  ): boolean {
    if (verified.has(here)) return true;
    const anywhere = verified.key(account, password, hash);
    if (!verified.has(anywhere) || throttle.wait(account, remoteAddress) > 0) return false;
    verified.share(anywhere, here);
    return true;
  }

  function judge(
    credentials: PasswordCredentials,
    remoteAddress: string | undefined,
  ): Authentication | Promise<Authentication> {
    const { account, password } = credentials;
    const hash = file.value.hashes.get(account);
    const key = keyAt(remoteAddress, account, password, hash ?? "");
    if (hash !== undefined && isRemembered(credentials, hash, key, remoteAddress)) return identified(account);
    const same = pending.get(key);
    if (same !== undefined) return same;
    const answer = enqueue(credentials, remoteAddress);
    pending.set(key, answer);
    const forget = (): void => void pending.delete(key);
    answer.then(forget, forget);
    return answer;
  }

  function verify(
    credentials: PasswordCredentials,
    remoteAddress: string | undefined,
    options?: AuthorizeOptions,
  ): Authentication | Promise<Authentication> {
    if (!isAccountName(credentials.account) || credentials.password.includes("\0"))
      return { outcome: "failed", account: undefined, reason: "no account has such a name or password" };
    const look = file.check();
    const answer =
      look === undefined ? judge(credentials, remoteAddress) : look.then(() => judge(credentials, remoteAddress));
    return answer instanceof Promise ? orAborted(answer, options?.signal) : answer;
  }

  return {
    name: "htpasswd",
    verify,
    identify(request, options) {
      const credentials = basicCredentials(request);
      if (credentials === undefined) return { outcome: "absent" };
      if (credentials === "malformed")
        return { outcome: "failed", account: undefined, reason: "the Basic credentials can't be read" };
      return verify(credentials, request.remoteAddress, options);
    },
    async lookup(account) {
      await file.check();
      const hash = file.value.hashes.get(account);
      return hash === undefined ? undefined : { identity: identityOf(account), stamp: stampOf(account, hash) };
    },
    close: () => comparer.close(),
  };
}

/** What `answer` gives, unless the one who waits goes away: the comparison itself is shared and goes on. */
function orAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new Error("aborted"));
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
