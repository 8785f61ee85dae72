import { createPrivateKey, createSign, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DriverParameterError } from "../shared/errors.js";
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
  if (login.by === "key") return toKey("credentials", login.email, login.key, login.id, login.tokenUri);
  const { type, client_email: email, private_key: key, private_key_id: id, token_uri } = await readKeyFile(login.file);
  if (type !== "service_account") {
    throw wrong(
      "keyfile",
      `${login.file} is no service account's key, but of the type ${type}: leave keyfile out and set GOOGLE_APPLICATION_CREDENTIALS to it`,
    );
  }
  if (email === undefined || key === undefined) {
    throw wrong("keyfile", `${login.file} has no client_email and private_key: create a JSON key of a service account`);
  }
  return toKey("keyfile", email, key, id, token_uri);
}

async function readKeyFile(name: string): Promise<z.output<typeof file>> {
  let text: string;
  try {
    text = await readFile(name, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw wrong("keyfile", `${name} can't be read (${code})`);
  }
  try {
    return file.parse(JSON.parse(text));
  } catch {
    // The parser's own message would show a piece of the file.
    throw wrong("keyfile", `${name} is no key file of a service account (JSON)`);
  }
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
