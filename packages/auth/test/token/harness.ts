import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyObject } from "node:crypto";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { TokenPorts } from "../../src/methods/token/token-controller.js";
import { parseAccess } from "../../src/factory.js";
import type { ControllerPorts } from "../../src/ports.js";
import type { Access, AccessController, AuthRequest, Grant } from "../../src/access-controller.js";
import { AuthError, type AuthFault } from "../../src/errors.js";
import { NOW } from "./issuer.js";

/** A clock that advances only when a test moves it. */
class TestClock {
  time = NOW;
  readonly now = (): number => this.time;
}

interface LogLine {
  readonly level: "error" | "warn" | "info";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** A log that records its lines. */
function recordingLog() {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (message: string, fields?: LogLine["fields"]) => {
    lines.push({ level, message, fields });
  };
  return { lines, error: at("error"), warn: at("warn"), info: at("info") };
}

/** A temporary directory that is removed after the test. */
async function temporaryFolder() {
  const folder = await makeTemporaryFolder("token");
  return {
    ...folder,
    async file(name: string, content: string): Promise<string> {
      const file = join(folder.path, name);
      await writeFile(file, content);
      return file;
    },
  };
}

export const BASE_OPTIONS = {
  realm: "https://auth.test/token",
  service: "registry.test",
  issuer: "https://issuer.test",
};

/** A token controller over key files with this content. */
export async function tokenController(
  files: { readonly bundle?: string; readonly jwks?: string },
  options: Record<string, unknown> = {},
  ports: Partial<TokenPorts & ControllerPorts> = {},
) {
  const folder = await temporaryFolder();
  const clock = new TestClock();
  const log = recordingLog();
  const { bundle, jwks } = files;
  const access = parseAccess({
    token: {
      ...BASE_OPTIONS,
      ...(bundle === undefined ? {} : { rootcertbundle: await folder.file("bundle.pem", bundle) }),
      ...(jwks === undefined ? {} : { jwks: await folder.file("jwks.json", jwks) }),
      ...options,
    },
  });
  const controller = await access.open({ log, clock: clock.now, secret: "", ...ports });
  return {
    controller,
    clock,
    log,
    folder,
    async [Symbol.asyncDispose]() {
      await controller.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function request(authorization?: string, headers: AuthRequest["headers"] = {}): AuthRequest {
  return {
    method: "GET",
    headers: { host: "registry.test:5000", ...(authorization === undefined ? {} : { authorization }), ...headers },
    remoteAddress: "192.0.2.1",
    secure: true,
    peerCertificate: undefined,
    baseUrl: "https://registry.test:5000",
  };
}

export const access = (name: string, action: string): Access => ({ type: "repository", name, action });
export const PULL: readonly Access[] = [access("team/app", "pull")];

/** The controller's answer to this token. */
export async function ask(
  controller: AccessController,
  token: string,
  accesses: readonly Access[] = PULL,
): Promise<Grant> {
  return controller.authorize(request(`Bearer ${token}`), accesses);
}

export type Refused = Extract<AuthFault, { code: "UNAUTHENTICATED" }>;

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

/** A JWK set with the public keys under their names. */
export function jwkSet(keys: Readonly<Record<string, KeyObject>>): string {
  return JSON.stringify({
    keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: "jwk" }), kid, use: "sig" })),
  });
}
