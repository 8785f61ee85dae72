import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { AuthError, type Access, type AuthFault, type AuthRequest } from "@longshore/auth";

/** The time of the tests' clock until they move it. */
export const NOW = Date.UTC(2026, 0, 15, 12);

/** A clock that advances only when a test moves it. */
export class TestClock {
  time = NOW;
  readonly now = (): number => this.time;
}

export function request(authorization?: string): AuthRequest {
  return {
    method: "GET",
    headers: { host: "registry.test:5000", ...(authorization === undefined ? {} : { authorization }) },
    remoteAddress: "192.0.2.1",
    secure: true,
    peerCertificate: undefined,
    baseUrl: "https://registry.test:5000",
  };
}

export const access = (name: string, action: string): Access => ({ type: "repository", name, action });

type Refused = Extract<AuthFault, { code: "UNAUTHENTICATED" }>;

/** The fault with which `action` fails. */
export async function faultOf(action: () => unknown): Promise<AuthFault> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AuthError) return error.fault;
    throw error;
  }
  throw new Error("it was let in");
}

/** The refusal with which `action` fails. */
export async function refusalOf(action: () => unknown): Promise<Refused> {
  const fault = await faultOf(action);
  if (fault.code !== "UNAUTHENTICATED") throw new Error(`${fault.code} instead of a challenge`);
  return fault;
}

/** The `error` of a challenge; undefined if it has none. */
export function challengeError({ challenge }: Refused): string | undefined {
  return /,error="([^"]*)"$/.exec(challenge)?.[1];
}

export function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

/** A pair that no registry has. */
export function foreignKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ed25519");
}

/** A token with any header and payload, signed with an Ed25519 key. */
export function makeToken(header: unknown, payload: unknown, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}
