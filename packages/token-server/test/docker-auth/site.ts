import type { AccessController } from "@longshore/auth";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { chooseTokenServer } from "../../src/choose-token-server.js";
import { convertDockerAuth, type Conversion } from "../../src/docker-auth/convert.js";
import { selfSigned } from "../../src/keys/self-signed.js";
import { tokenServerSection } from "../../src/options.js";
import { sourcePorts } from "../support.js";

/** bcrypt of `secret`. */
export const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

/** A converted file on a machine where programs are in `/usr/local/bin`. */
export function convert(text: string): Conversion {
  const findCommand = (command: string): string => (command.startsWith("/") ? command : `/usr/local/bin/${command}`);
  return convertDockerAuth(text, { findCommand, folder: "/srv" });
}

/** The messages of what a file's conversion finds. */
export function problemsOf(text: string): readonly string[] {
  return convert(text).problems.map(({ message }) => message);
}

/** A key pair in files, and the public key. */
export interface KeyFiles {
  readonly certificate: string;
  readonly key: string;
  readonly publicKey: KeyObject;
}

/** Writes a new key with its certificate. */
export async function writeKey(type: "ec" | "rsa" = "ec"): Promise<KeyFiles> {
  const folder = await makeTemporaryFolder("key");
  onTestFinished(() => folder.remove());
  const { privateKey, publicKey } =
    type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [certificate, key] = [`${folder.path}/server.pem`, `${folder.path}/server.key`];
  await writeFile(certificate, selfSigned("server", privateKey, publicKey, Date.now()));
  await writeFile(key, privateKey.export({ format: "pem", type: "pkcs8" }));
  return { certificate, key, publicKey };
}

const CONFIG = z.object({ tokenserver: tokenServerSection, access: z.array(z.unknown()).optional() });

/** The token server that a converted file makes. */
export async function openConverted({ config, problems }: Conversion): Promise<AccessController> {
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("\n"));
  const { tokenserver, access } = CONFIG.parse(config);
  if (tokenserver === undefined) throw new Error("there is no token server");
  const chosen = chooseTokenServer(tokenserver, access !== undefined);
  const errors = chosen.remarks.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  const controller = await chosen.open({ ...sourcePorts(), rules: access });
  onTestFinished(() => controller.close());
  return controller;
}

const DOCUMENT = z.looseObject({ token: z.string(), expires_in: z.number(), issued_at: z.string() });
const CLAIMS = z.looseObject({
  sub: z.string(),
  access: z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) })),
});

/** A question for a token. */
export interface Question {
  /** `account:password`. */
  readonly login?: string;
  readonly scope?: string;
  readonly service?: string;
  readonly ip?: string;
}

/** Asks for a token as Docker does, and returns the answer with what the token says. Throws AuthError. */
export async function ask(controller: AccessController, { login, scope, service, ip = "192.0.2.7" }: Question) {
  if (controller.tokens === undefined) throw new Error("no tokens are issued");
  const query = new URLSearchParams({ service: service ?? "Docker registry" });
  if (scope !== undefined) query.set("scope", scope);
  const headers = login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  const rest = { secure: true, peerCertificate: undefined, form: undefined };
  const { document } = await controller.tokens.issue({ method: "GET", headers, query, remoteAddress: ip, ...rest });
  const answer = DOCUMENT.parse(document);
  const [header = "", payload = ""] = answer.token.split(".");
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return { answer, header: z.looseObject({}).parse(read(header)), claims: CLAIMS.parse(read(payload)) };
}

/** What is granted of one scope, such as `pull,push`. */
export async function granted(controller: AccessController, question: Question): Promise<string> {
  const { claims } = await ask(controller, question);
  return claims.access.map(({ actions }) => actions.join(",")).join(" ");
}
