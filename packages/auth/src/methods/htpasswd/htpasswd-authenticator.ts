import { abortable } from "@longshore/base/abort";
import type { WatchedFile } from "@longshore/base/watched-file";
import { createHash } from "node:crypto";
import type { AuthorizeOptions } from "../../access-controller.js";
import { AuthError } from "../../errors.js";
import { basicCredentials, isAccountName } from "../../identities/basic.js";
import type {
  Authentication,
  Identity,
  PasswordAuthenticator,
  PasswordCredentials,
} from "../../identities/identity.js";

import type { LoginOutcome } from "../../throttle/login-registrar.js";
import { CrowdedOutError, type FairQueue } from "../../throttle/fair-queue.js";
import type { LoginLedger } from "../../throttle/login-ledger.js";
import { networksOf, sourceOf } from "../../throttle/attempt-source.js";
import type { PasswordComparer } from "./bcrypt-pool.js";
import { compareEvenly } from "./compare-evenly.js";
import type { PasswordList } from "./password-list.js";
import type { VerifiedPasswords } from "./verified-passwords.js";

/** What {@link createHtpasswdAuthenticator} works with. The authenticator closes the comparer. */
export interface HtpasswdParts {
  readonly file: WatchedFile<PasswordList>;
  readonly comparer: PasswordComparer;
  readonly verified: VerifiedPasswords;
  readonly ledger: LoginLedger;
  readonly queue: FairQueue;
}

/** Seconds after which a login may be retried that found too many others waiting. */
const OVERLOAD_RETRY = 5;

function identityOf(account: string): Identity {
  return { account, labels: new Map() };
}

function identified(account: string): Authentication {
  return { outcome: "identified", identity: identityOf(account) };
}

/** Changes with the hash, and reveals neither the hash nor the password. */
function stampOf(account: string, hash: string): string {
  return createHash("sha256")
    .update(JSON.stringify(["htpasswd", account, hash]))
    .digest("base64url");
}

/** Verifies passwords by the list of an htpasswd file (wire contract §4.3). */
export function createHtpasswdAuthenticator(parts: HtpasswdParts): PasswordAuthenticator {
  const { file, comparer, verified, ledger, queue } = parts;
  /** Comparisons under way: clients open several connections at once, with the same credentials. */
  const pending = new Map<string, Promise<Authentication>>();

  function refuseToWait(account: string, wait: number): void {
    if (wait === 0) return;
    const reason = "too many failed logins; wait before the next one";
    throw new AuthError({ code: "THROTTLED", retryAfter: Math.ceil(wait / 1000), reason, account });
  }

  /** The hash of the account if the password is right. One that was right at another address needs no comparison. */
  async function matchingHash({ account, password }: PasswordCredentials): Promise<string | undefined> {
    const list = file.value;
    const hash = list.hashes.get(account);
    if (hash !== undefined && verified.has(verified.key(account, password, hash))) return hash;
    const right = await compareEvenly(comparer, password, hash, list.cost).catch((error: unknown) => {
      throw new AuthError({ code: "UNAVAILABLE", reason: "passwords can't be compared now" }, { cause: error });
    });
    return right ? hash : undefined;
  }

  async function compare(credentials: PasswordCredentials, remoteAddress: string | undefined): Promise<Authentication> {
    const { account, password } = credentials;
    // Others at the same address may have failed meanwhile, or in other processes.
    const attempt = await ledger.begin(account, remoteAddress);
    refuseToWait(account, attempt.wait);
    let outcome: LoginOutcome = "unknown";
    try {
      const hash = await matchingHash(credentials);
      outcome = hash === undefined ? "wrong" : "right";
      if (hash === undefined) return { outcome: "failed", account, reason: "unknown user or wrong password" };
      const [anywhere, here] = [verified.key(account, password, hash), keyAt(remoteAddress, account, password, hash)];
      if (verified.has(anywhere)) verified.share(anywhere, here);
      else for (const key of [anywhere, here]) verified.add(key);
      return identified(account);
    } finally {
      await attempt.settle(outcome);
    }
  }

  async function enqueue(credentials: PasswordCredentials, remoteAddress: string | undefined): Promise<Authentication> {
    const { account } = credentials;
    refuseToWait(account, ledger.wait(account, remoteAddress));
    const place = { groups: networksOf(remoteAddress), trust: ledger.trust(account, remoteAddress) };
    try {
      return await queue.run(place, () => compare(credentials, remoteAddress));
    } catch (error) {
      if (!(error instanceof CrowdedOutError)) throw error;
      const reason = "too many logins are waiting for their password to be compared";
      throw new AuthError({ code: "THROTTLED", retryAfter: OVERLOAD_RETRY, reason, account }, { cause: error });
    }
  }

  function keyAt(remoteAddress: string | undefined, account: string, password: string, hash: string): string {
    return verified.key(`${sourceOf(remoteAddress)} ${account}`, password, hash);
  }

  function judge(
    credentials: PasswordCredentials,
    remoteAddress: string | undefined,
  ): Authentication | Promise<Authentication> {
    const { account, password } = credentials;
    const hash = file.value.hashes.get(account);
    const key = keyAt(remoteAddress, account, password, hash ?? "");
    if (hash !== undefined && verified.has(key)) return identified(account);
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
      return { outcome: "failed", account: undefined, reason: "no account can have this name or password" };
    const checking = file.check();
    const answer =
      checking === undefined
        ? judge(credentials, remoteAddress)
        : checking.then(() => judge(credentials, remoteAddress));
    return answer instanceof Promise ? abortable(answer, options?.signal) : answer;
  }

  return {
    name: "htpasswd",
    verify,
    identify(request, options) {
      const credentials = basicCredentials(request);
      if (credentials === undefined) return { outcome: "absent" };
      if (credentials === "malformed")
        return { outcome: "failed", account: undefined, reason: "the Basic credentials are malformed" };
      return verify(credentials, request.remoteAddress, options);
    },
    async lookup(account) {
      await file.check();
      const hash = file.value.hashes.get(account);
      return hash === undefined ? undefined : { identity: identityOf(account), stamp: stampOf(account, hash) };
    },
    reload: () => file.reload(),
    close: () => comparer.close(),
  };
}
