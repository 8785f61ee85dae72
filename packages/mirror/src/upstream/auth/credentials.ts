import type { Secret } from "@longshore/options/secret";

/** Who we are for an upstream. */
export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: Secret }
  /** A refresh token of OAuth 2, which Docker calls an identity token. */
  | { readonly kind: "refresh-token"; readonly token: Secret };

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * The credentials for the first of `hosts` (`host[:port]`) that has some; undefined: we are anonymous. Throws
   * {@link CredentialError}.
   */
  get(hosts: readonly string[], signal: AbortSignal): Promise<Credentials | undefined>;
  /** Forgets what was refused, so that the next question asks anew; a source that can't know better ignores it. */
  forget(): void;
}

/** There may be credentials, but they can't be had. `message` holds no secret. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** Always the same credentials, or none. */
export function fixedCredentials(credentials: Credentials | undefined): CredentialSource {
  return { get: () => Promise.resolve(credentials), forget: () => undefined };
}
