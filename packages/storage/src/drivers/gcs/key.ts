import { createPrivateKey, createSign, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DriverParameterError } from "../shared/errors.js";
import { parseJson } from "./answers.js";
import { NAME } from "./faults.js";
import type { GcsLogin } from "./options.js";

/** The key of a service account. */
export interface ServiceKey {
  readonly email: string;
  readonly id: string;
  readonly tokenUri: string;
  readonly key: KeyObject;
  /** What no message may contain. */
  readonly secret: string;
}

const file = z.object({
  type: z.string(),
  client_email: z.string().min(1).optional(),
  private_key: z.string().min(1).optional(),
  private_key_id: z.string().default(""),
  token_uri: z.url().default("https://oauth2.googleapis.com/token"),
});

/** The key that `login` names; undefined if the environment has the credentials. Throws DriverParameterError. */
export async function keyOf(login: GcsLogin): Promise<ServiceKey | undefined> {
  if (login.by === "environment") return undefined;
  return login.by === "content"
    ? parseKey(login.content.reveal(), "credentials", "credentials")
    : parseKey(await readKeyFile(login.file), "keyfile", login.file);
}

async function readKeyFile(name: string): Promise<string> {
  try {
    return await readFile(name, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw wrong("keyfile", `${name} can't be read (${code})`);
  }
}

/** Reads a key file's content; `name` is what messages call it. */
function parseKey(content: string, parameter: string, name: string): ServiceKey {
  const parsed = file.safeParse(parseJson(content));
  // The parser's own message would show a piece of it.
  if (!parsed.success) throw wrong(parameter, `${name} isn't what a key file of a service account has (JSON)`);
  const { type, client_email: email, private_key: key, private_key_id: id, token_uri: tokenUri } = parsed.data;
  if (type !== "service_account") {
    throw wrong(
      parameter,
      `${name} is no service account's key, but of the type ${type}: set GOOGLE_APPLICATION_CREDENTIALS to a file with it, and leave ${parameter} out`,
    );
  }
  if (email === undefined || key === undefined) {
    throw wrong(parameter, `${name} has no client_email and private_key: create a JSON key of a service account`);
  }
  return toKey(parameter, email, key, id, tokenUri);
}

function toKey(parameter: string, email: string, pem: string, id: string, tokenUri: string): ServiceKey {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return { email, id, tokenUri, key, secret: pem };
  } catch {
    // Likewise.
  }
  throw wrong(parameter, "private_key is no RSA key in PEM; in YAML, line breaks need double quotes or a block (|)");
}

function wrong(parameter: string, message: string): DriverParameterError {
  return new DriverParameterError(NAME, parameter, message);
}

/** The signature of `text` (RSASSA-PKCS1-v1_5 with SHA-256). */
export function signWith(key: KeyObject, text: string): Buffer {
  return createSign("sha256").update(text).sign(key);
}
