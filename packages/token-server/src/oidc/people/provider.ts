import type { Identity } from "@longshore/auth";
import type { Chosen, Kind } from "@longshore/options/kind";

/** Somebody whom a provider has logged in. */
export interface ProvidedLogin {
  readonly identity: Identity;
  /** Who it is at the provider: never given to anybody else, as names are. */
  readonly subject: string;
  /** What asks the provider for the account again later; undefined if it gives nothing of the kind. A secret. */
  readonly renewal: string | undefined;
}

/** What ties an answer of the provider to the browser that asked (RFC 9700 §2.1, §4.7). */
export interface LoginChecks {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
}

/** The provider's answer to a device (RFC 8628 §3.2); times in seconds. */
interface DeviceStart {
  /** For the provider only. A secret. */
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresIn: number;
  readonly interval: number;
}

/** Where people log in. Its methods throw {@link LoginRefused}, and AuthError UNAVAILABLE if it can't be asked. */
export interface LoginProvider {
  /** In paths: `google`. */
  readonly name: string;
  /** For people: `Google`. */
  readonly title: string;
  /** Where to send a browser. */
  authorize(checks: LoginChecks): Promise<URL>;
  /** Who the answer that a browser brought back is about. */
  redeem(answer: URLSearchParams, checks: LoginChecks): Promise<ProvidedLogin>;
  /** Starts a login on another device. */
  startDevice(): Promise<DeviceStart>;
  /** Its outcome so far; `pending` and `slow_down` as in RFC 8628 §3.5. */
  pollDevice(deviceCode: string): Promise<ProvidedLogin | "pending" | "slow_down">;
  /** The account of `subject` as it is now. {@link LoginRefused}: the provider has ended it, or it is no longer allowed. */
  renew(renewal: string, subject: string): Promise<ProvidedLogin>;
}

/** A login that isn't allowed. `message` is for the person, without anything secret. */
export class LoginRefused extends Error {
  override readonly name = "LoginRefused";
}

/** A provider that a configuration has chosen. */
export interface ChosenProvider extends Chosen {
  open(): Promise<LoginProvider>;
}

/** A kind of provider: a folder here, and a line in `kinds.ts`. */
export type ProviderKind = Kind<ChosenProvider>;
