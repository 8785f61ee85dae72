import { AuthError, type Identity, type PasswordCredentials } from "@longshore/auth";
import type { IdentitySource, Login } from "../../src/contract.js";

/** `alice:secret` as credentials. */
export function credentials(text: string): PasswordCredentials {
  const colon = text.indexOf(":");
  return { account: text.slice(0, colon), password: text.slice(colon + 1) };
}

export function identity(account: string, labels: Readonly<Record<string, readonly string[]>> = {}): Identity {
  return { account, labels: new Map(Object.entries(labels)) };
}

export function identified(account: string): Login {
  return { outcome: "identified", identity: identity(account), renewable: true };
}

/** A source whose answers the test makes. */
export function sourceOf(name: string, verify: IdentitySource["verify"], rest: Partial<IdentitySource> = {}) {
  return { name, verify, close: () => Promise.resolve(), ...rest } satisfies IdentitySource;
}

/** What `action` throws. */
export async function failure(action: () => unknown): Promise<AuthError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A promise with its ends in the test's hands. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, resolve: (value) => settle(value) };
}
