import { isAuthError, type AuthError, type PasswordCredentials } from "@longshore/auth";
import { setTimeout as delay } from "node:timers/promises";
import type { IdentitySource, KnownAccount, Login, LoginContext } from "../../contract.js";
import type { ChainOptions } from "./chain-options.js";

/** A login, and the source that decided it; undefined if no source knows the account. */
export interface ChainLogin {
  readonly login: Login;
  readonly source: string | undefined;
}

/** An account as its source knows it now; `unsupported` if the source can't look accounts up. */
type ChainLookup = KnownAccount | "unsupported" | undefined;

/** Sources of identities in the order of the configuration. */
export interface SourceChain {
  /** Throws AuthError UNAVAILABLE or THROTTLED. */
  verify(credentials: PasswordCredentials, context: LoginContext): Promise<ChainLogin>;
  /** The account in the source that once identified it; undefined if one of them is gone. Throws AuthError UNAVAILABLE. */
  lookup(source: string, account: string, context: LoginContext): Promise<ChainLookup>;
  /** Reads the files of all sources again. Throws the first AuthError; the other sources have reloaded nevertheless. */
  reload(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Asks `sources` one after the other: the first that doesn't answer `unknown` decides, as in docker_auth, unless
 * `fallthrough` lets the next one try. Refusals come after a multiple of `failuredelay`, so that the time of an answer doesn't tell
 * which source has the account.
 */
export function createSourceChain(sources: readonly IdentitySource[], options: ChainOptions): SourceChain {
  const { fallthrough, failuredelay } = options;

  /** The source's answer; undefined: the next one is asked. */
  async function ask(source: IdentitySource, credentials: PasswordCredentials, context: LoginContext) {
    try {
      const login = await source.verify(credentials, context);
      const isPassed = login.outcome === "unknown" || (login.outcome === "failed" && fallthrough.includes("failed"));
      return { login, isPassed };
    } catch (error) {
      if (!isAuthError(error, "UNAVAILABLE") || !fallthrough.includes("unavailable")) throw error;
      return { error };
    }
  }

  async function walk(credentials: PasswordCredentials, context: LoginContext): Promise<ChainLogin> {
    let refusal: ChainLogin = { login: { outcome: "unknown" }, source: undefined };
    let outage: AuthError | undefined;
    const passed: IdentitySource[] = [];
    for (const source of sources) {
      const { login, isPassed, error } = await ask(source, credentials, context);
      outage ??= error;
      if (login === undefined) continue;
      if (!isPassed) {
        // Otherwise a login that its source remembers would still cost what hides from others whether those before it have the account.
        if (login.outcome === "identified") for (const each of passed) each.passOver?.(credentials, context);
        return { login, source: source.name };
      }
      if (login.outcome === "unknown") passed.push(source);
      else if (login.outcome === "failed") refusal = { login, source: source.name };
    }
    // Whether the account exists can't be told while the source that may have it is away.
    if (outage !== undefined) throw outage;
    return refusal;
  }

  return {
    async verify(credentials, context) {
      const start = performance.now();
      const found = await walk(credentials, context);
      if (found.login.outcome !== "identified" && failuredelay > 0) {
        const taken = performance.now() - start;
        const rest = Math.ceil(taken / failuredelay) * failuredelay - taken;
        await delay(rest, undefined, { signal: context.signal });
      }
      return found;
    },
    async lookup(name, account, context) {
      const source = sources.find((each) => each.name === name);
      if (source === undefined) return undefined;
      return source.lookup === undefined ? "unsupported" : source.lookup(account, context);
    },
    async reload() {
      const results = await Promise.allSettled(sources.map(async (source) => source.reload?.()));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}
