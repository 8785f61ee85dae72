import { abortable } from "@longshore/base/abort";
import { HOUR, MINUTE, SECOND } from "@longshore/base/duration";
import type { Dispatcher } from "undici";
import { z } from "zod";
import { ServiceFault } from "../objects/faults.js";
import { parseJson, readRefusal, readText } from "./answers.js";
import { refusalToFault } from "./faults.js";
import { signWith, type ServiceKey } from "./key.js";

/** Whose name addresses are signed in, and how. */
export interface Signatory {
  readonly email: string;
  /** How long its signatures are good (ms), if not for as long as the key is. */
  readonly longest?: number;
  /** Asks a service unless the key is here. Throws as `Credential.token`. */
  sign(text: string, signal: AbortSignal): Promise<Buffer>;
}

/** Where the tokens of requests come from. */
export interface Credential {
  /** A token that is valid for some minutes. Throws ServiceFault, or the signal's reason. */
  token(signal: AbortSignal): Promise<string>;
  /** Drops a token that was refused. Returns whether it makes sense to ask for another one. */
  forget(token: string): boolean;
  /** Undefined if the identity is no service account, and can't sign. */
  signatory(signal: AbortSignal): Promise<Signatory | undefined>;
}

/** What tokens are asked for with a key. */
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
/** A token is renewed this long before its end (ms). */
const MARGIN = 5 * MINUTE;
const MOST_TEXT = 64 * 1024;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().default(3600) });

interface Token {
  readonly value: string;
  /** By the monotonic clock (ms). */
  readonly until: number;
}

/**
 * With a service account's key: tokens for assertions that the key signs (RFC 7523). Google's library would do that, too, but always asks
 * the same address, whatever the key's `token_uri` is, and can't be interrupted. `patience`: how long the service may take, which is never
 * asked on behalf of a single caller (ms).
 */
export function createKeyCredential(key: ServiceKey, connections: Dispatcher, patience: number): Credential {
  let current: Token | undefined;
  let next: Promise<Token> | undefined;

  const renew = async (): Promise<Token> => {
    const { origin, pathname, search } = new URL(key.tokenUri);
    const form = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: makeAssertion(key),
    });
    const answer = await connections.request({
      origin,
      path: pathname + search,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      signal: AbortSignal.timeout(patience),
    });
    if (answer.statusCode !== 200) throw asLogin(await readRefusal(answer), key);
    const parsed = tokenAnswer.safeParse(parseJson(await readText(answer.body, MOST_TEXT)));
    if (!parsed.success) throw new ServiceFault("transient", undefined, "GetToken: the answer has no token");
    const time = parsed.data.expires_in * SECOND;
    const token = { value: parsed.data.access_token, until: performance.now() + time - Math.min(MARGIN, time / 2) };
    current = token;
    return token;
  };

  return {
    async token(signal) {
      if (current !== undefined && current.until > performance.now()) return current.value;
      next ??= renew().finally(() => {
        next = undefined;
      });
      return (await abortable(next, signal)).value;
    },
    forget(token) {
      if (current?.value === token) current = undefined;
      return true;
    },
    signatory: () => Promise.resolve({ email: key.email, sign: (text) => Promise.resolve(signWith(key.key, text)) }),
  };
}

function makeAssertion(key: ServiceKey): string {
  const issued = Math.floor(Date.now() / SECOND);
  const header = { alg: "RS256", typ: "JWT", ...(key.id === "" ? {} : { kid: key.id }) };
  const claims = { iss: key.email, scope: SCOPE, aud: key.tokenUri, iat: issued, exp: issued + HOUR / SECOND };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${signWith(key.key, text).toString("base64url")}`;
}

const oauthError = z.object({ error: z.string(), error_description: z.string().default("") });

/** OAuth's errors have a form of their own (RFC 6749 §5.2); 400 means that the key isn't accepted. */
function asLogin(refusal: Awaited<ReturnType<typeof readRefusal>>, key: ServiceKey): ServiceFault {
  const parsed = oauthError.safeParse(parseJson(refusal.message));
  const told = parsed.success
    ? { ...refusal, code: parsed.data.error, message: parsed.data.error_description }
    : refusal;
  const status = refusal.status === 400 ? 401 : refusal.status;
  return refusalToFault({ ...told, status }, "GetToken", [key.secret]);
}
