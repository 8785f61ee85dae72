import type { AuthRequest } from "../../src/access-controller.js";
import { AuthError } from "../../src/errors.js";
import type { AuthLog } from "../../src/ports.js";

/** A line of a log. */
export interface Logged {
  readonly level: "error" | "warn" | "info";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that tests can read. */
export function recordingLog(): AuthLog & { readonly lines: Logged[] } {
  const lines: Logged[] = [];
  const at =
    (level: Logged["level"]) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, message, fields });
    };
  return { lines, error: at("error"), warn: at("warn"), info: at("info") };
}

/** A clock that the test moves. It starts far behind or ahead of the times of files that are written now. */
export function movableClock(start: number): { (): number; advance(milliseconds: number): void } {
  let now = start;
  return Object.assign(() => now, { advance: (milliseconds: number) => void (now += milliseconds) });
}

/** A request with Basic credentials, or without any. */
export function request(
  credentials?: string,
  remoteAddress = "192.0.2.1",
  rest: Partial<AuthRequest> = {},
): AuthRequest {
  const headers =
    credentials === undefined ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  return {
    method: "GET",
    headers,
    remoteAddress,
    secure: true,
    peerCertificate: undefined,
    baseUrl: "https://reg",
    ...rest,
  };
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

/** A bcrypt hash of "secret" at cost 4, without its prefix. */
const BODY = "$04$Zva.1tY4w7gD5Fos.lHpbuphvGd8Ji7AjalFxH1csmDfn5lU/iGKC";

/** A hash of "secret" with each prefix that tools write. */
export const SECRET = { a: `$2a${BODY}`, b: `$2b${BODY}`, y: `$2y${BODY}` } as const;

/** 72 times x, the most that bcrypt hashes. */
export const LONG = "$2b$04$xBB3oNKKr5GACBoVK2NzK.zmu0TVvPcGc2Dk61wtGk4uVMZMdy1oW";
