import { createHash, createVerify, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { z } from "zod";
import { uriEncode } from "../s3/stand-in/encoding.js";
import type { GcsRequest } from "./operations.js";
import { GcsRefusal } from "./refusal.js";

/** A service account, its key, and the services that know it: tokens, signatures, signed addresses. */
export interface Identity {
  readonly email: string;
  /** The content of its key file; tokens are given at `tokenUri`. */
  keyFile(tokenUri: string): Readonly<Record<string, string>>;
  /** What another provider says about a workload, which gets tokens for it (RFC 8693). */
  readonly subjectToken: string;
  /** Answers a request for a token (RFC 7523, RFC 8693). Throws {@link GcsRefusal}. */
  exchange(form: string, tokenUri: string): Readonly<Record<string, unknown>>;
  /** A token, as the metadata server of a machine gives it without a key. */
  issue(): string;
  /** No token that was given before is accepted any more. */
  revoke(): void;
  isKnown(authorization: unknown): boolean;
  /** As the IAM API signs for an identity whose key nobody has. */
  signBlob(payload: string): { readonly keyId: string; readonly signedBlob: string };
  /** Throws {@link GcsRefusal} unless a signed address (version 4) is for this request, and still valid. */
  checkAddress(request: GcsRequest): void;
}

const EMAIL = "registry@project.iam.gserviceaccount.com";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** Seconds. */
const LONGEST = { token: 3600, address: 604_800 };

/** Made once: generating it takes some hundred milliseconds. */
let made: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined;

export function createIdentity(): Identity {
  const { publicKey, privateKey } = (made ??= generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const keyId = "key-1";
  const subjectToken = randomBytes(12).toString("hex");
  let tokens = new Set<string>();
  const issue = (): string => {
    const token = `ya29.${randomBytes(12).toString("hex")}`;
    tokens.add(token);
    return token;
  };
  const verify = (text: string, signature: Buffer): boolean =>
    createVerify("sha256").update(text).verify(publicKey, signature);

  return {
    email: EMAIL,
    subjectToken,
    keyFile: (tokenUri) => ({
      type: "service_account",
      project_id: "project",
      private_key_id: keyId,
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      client_email: EMAIL,
      token_uri: tokenUri,
    }),
    exchange(form, tokenUri) {
      const given = new URLSearchParams(form);
      if (given.get("grant_type") === EXCHANGE) {
        const subject = given.get("subject_token") ?? "";
        // As services do that repeat what they were asked.
        if (subject !== subjectToken) throw refusedGrant("invalid_grant", `unknown: subject_token=${subject}`);
        const issued_token_type = "urn:ietf:params:oauth:token-type:access_token";
        return { access_token: issue(), issued_token_type, expires_in: LONGEST.token - 1, token_type: "Bearer" };
      }
      if (given.get("grant_type") !== ASSERTION) throw refusedGrant("unsupported_grant_type", "Invalid grant_type");
      checkAssertion(given.get("assertion") ?? "", tokenUri, verify);
      return { access_token: issue(), expires_in: LONGEST.token - 1, token_type: "Bearer" };
    },
    issue,
    revoke: () => void (tokens = new Set()),
    isKnown: (authorization) =>
      typeof authorization === "string" && tokens.has(/^Bearer (\S+)$/.exec(authorization)?.[1] ?? ""),
    signBlob: (payload) => ({
      keyId: "system-1",
      signedBlob: sign("sha256", Buffer.from(payload, "base64"), privateKey).toString("base64"),
    }),
    checkAddress: (request) => checkAddress(request, verify),
  };
}

type Verify = (text: string, signature: Buffer) => boolean;

const header = z.object({ alg: z.literal("RS256"), typ: z.literal("JWT") });
const claims = z.object({ iss: z.literal(EMAIL), scope: z.string(), aud: z.string(), iat: z.int(), exp: z.int() });

function checkAssertion(assertion: string, tokenUri: string, verify: Verify): void {
  const [head = "", body = "", signature = ""] = assertion.split(".");
  if (!verify(`${head}.${body}`, Buffer.from(signature, "base64url"))) {
    throw refusedGrant("invalid_grant", "Invalid JWT Signature.");
  }
  const parsed = claims.safeParse(readPart(body));
  if (!header.safeParse(readPart(head)).success || !parsed.success) throw refusedGrant("invalid_grant", "Invalid JWT.");
  const { aud, iat, exp, scope } = parsed.data;
  const now = Date.now() / 1000;
  if (aud !== tokenUri) throw refusedGrant("invalid_grant", "Invalid JWT: its audience isn't this service.");
  if (iat > now + 60 || exp < now || exp - iat > LONGEST.token) {
    throw refusedGrant("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).");
  }
  if (!scope.startsWith("https://www.googleapis.com/auth/")) throw refusedGrant("invalid_scope", "Invalid scope.");
}

function readPart(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return undefined;
  }
}

function refusedGrant(code: string, message: string): GcsRefusal {
  return new GcsRefusal(400, code, message);
}

function checkAddress({ method, pathname, query, headers }: GcsRequest, verify: Verify): void {
  const given = (name: string): string => query.get(name) ?? "";
  const refuse = (message: string): GcsRefusal => new GcsRefusal(403, "SignatureDoesNotMatch", message);
  const [date, expires] = [given("X-Goog-Date"), Number(given("X-Goog-Expires"))];
  const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
  if (given("X-Goog-Algorithm") !== "GOOG4-RSA-SHA256") throw refuse("unknown algorithm");
  if (given("X-Goog-Credential") !== `${EMAIL}/${scope}`) throw refuse("unknown credential");
  const begin = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(expires >= 1 && expires <= LONGEST.address)) throw refuse("X-Goog-Expires is out of range");
  if (!(Date.now() < begin + expires * 1000))
    throw new GcsRefusal(400, "ExpiredToken", "The provided token has expired.");
  const signed = given("X-Goog-SignedHeaders").split(";");
  if (!signed.includes("host")) throw refuse("the host isn't signed");
  const canonicalQuery = [...query]
    .filter(([name]) => name !== "X-Goog-Signature")
    .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
    .sort()
    .join("&");
  const canonicalHeaders = signed.map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`).join("");
  const text = [method, pathname, canonicalQuery, canonicalHeaders, signed.join(";"), "UNSIGNED-PAYLOAD"].join("\n");
  const hash = createHash("sha256").update(text).digest("hex");
  const isValid = verify(
    ["GOOG4-RSA-SHA256", date, scope, hash].join("\n"),
    Buffer.from(given("X-Goog-Signature"), "hex"),
  );
  if (!isValid) throw refuse("The request signature we calculated does not match the signature you provided.");
}
