import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { uriEncode, uriEncodePath } from "./encoding.js";
import { S3Refusal } from "./refusal.js";
import { parameter, type S3Request } from "./request.js";

/** Who may ask, and under which conditions. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Asked for when set; a token is refused when it isn't. */
  readonly sessionToken?: string | undefined;
  /** Requests signed for another region are refused when set. */
  readonly region?: string | undefined;
}

interface Signed {
  readonly accessKey: string;
  readonly scope: string;
  readonly headerNames: readonly string[];
  readonly signature: string;
  /** `20261123T075622Z` */
  readonly date: string;
  readonly payload: string;
  readonly token: string | undefined;
  readonly query: S3Request["query"];
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const MAX_SKEW = 15 * 60_000;
const MAX_EXPIRY = 7 * 24 * 3600;

/**
 * Verifies Signature Version 4, in the header or in the query (presigned). `now` in milliseconds. Returns what
 * `x-amz-content-sha256` promises of the body. Throws {@link S3Refusal} as S3 would.
 */
export function verifySignature(request: S3Request, credentials: Credentials, now: number): string {
  const signed = request.query.some(([name]) => name === "X-Amz-Signature")
    ? readPresigned(request, now)
    : readHeader(request, now);
  const [date, region, service, terminator, ...more] = signed.scope.split("/");
  if (service !== "s3" || terminator !== "aws4_request" || more.length > 0 || date !== signed.date.slice(0, 8)) {
    throw new S3Refusal(400, "AuthorizationHeaderMalformed", "The credential's scope is not this request's.");
  }
  if (credentials.region !== undefined && region !== credentials.region) {
    const message = `the region '${region ?? ""}' is wrong; expecting '${credentials.region}'`;
    throw new S3Refusal(400, "AuthorizationHeaderMalformed", message);
  }
  if (signed.accessKey !== credentials.accessKey) {
    const message = "The AWS Access Key Id you provided does not exist in our records.";
    throw new S3Refusal(403, "InvalidAccessKeyId", message);
  }
  if (signed.token !== credentials.sessionToken) {
    throw new S3Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  requireSigned(request, signed.headerNames);
  if (!isEqual(signatureOf(request, signed, credentials.secretKey), signed.signature)) {
    const message = "The request signature we calculated does not match the signature you provided.";
    throw new S3Refusal(403, "SignatureDoesNotMatch", message);
  }
  return signed.payload;
}

function readHeader(request: S3Request, now: number): Signed {
  const header = request.headers.get("authorization");
  if (header === undefined) throw new S3Refusal(403, "AccessDenied", "Access Denied");
  const [, accessKey, scope, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(header) ??
    [];
  if (accessKey === undefined || scope === undefined || names === undefined || signature === undefined) {
    throw new S3Refusal(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.");
  }
  const payload = request.headers.get("x-amz-content-sha256");
  if (payload === undefined) {
    throw new S3Refusal(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  const date = request.headers.get("x-amz-date") ?? "";
  if (Math.abs(readDate(date) - now) > MAX_SKEW) {
    const message = "The difference between the request time and the current time is too large.";
    throw new S3Refusal(403, "RequestTimeTooSkewed", message);
  }
  const token = request.headers.get("x-amz-security-token");
  return { accessKey, scope, headerNames: names.split(";"), signature, date, payload, token, query: request.query };
}

function readPresigned(request: S3Request, now: number): Signed {
  const field = (name: string): string => {
    const value = parameter(request, name);
    if (value !== undefined && value !== "") return value;
    throw new S3Refusal(400, "AuthorizationQueryParametersError", `The query has no ${name}.`);
  };
  const [accessKey = "", ...scope] = field("X-Amz-Credential").split("/");
  const date = field("X-Amz-Date");
  const expires = Number(field("X-Amz-Expires"));
  const signature = field("X-Amz-Signature");
  if (field("X-Amz-Algorithm") !== ALGORITHM || !/^[0-9a-f]{64}$/.test(signature)) {
    throw new S3Refusal(400, "AuthorizationQueryParametersError", "The query is not signed in a way that is known.");
  }
  if (!Number.isInteger(expires) || expires < 0 || expires > MAX_EXPIRY) {
    throw new S3Refusal(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week in seconds");
  }
  const signedAt = readDate(date);
  if (signedAt - now > MAX_SKEW) throw new S3Refusal(403, "AccessDenied", "Request is not valid yet");
  if (now > signedAt + expires * 1000) throw new S3Refusal(403, "AccessDenied", "Request has expired");
  return {
    accessKey,
    scope: scope.join("/"),
    headerNames: field("X-Amz-SignedHeaders").split(";"),
    signature,
    date,
    payload: parameter(request, "X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    token: parameter(request, "X-Amz-Security-Token"),
    query: request.query.filter(([name]) => name !== "X-Amz-Signature"),
  };
}

/** Milliseconds. */
function readDate(date: string): number {
  const time = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(time)) {
    throw new S3Refusal(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  }
  return time;
}

/** What isn't signed could have been put there by anybody. */
function requireSigned(request: S3Request, names: readonly string[]): void {
  const needed = [...request.headers.keys()].filter((name) => name.startsWith("x-amz-"));
  if (!["host", ...needed].every((name) => names.includes(name))) {
    throw new S3Refusal(403, "AccessDenied", "There were headers present in the request which were not signed");
  }
}

function signatureOf(request: S3Request, signed: Signed, secretKey: string): string {
  const query = signed.query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  const headers = signed.headerNames.map((name) => {
    const value = (request.headers.get(name) ?? "").trim().replace(/ +/g, " ");
    return `${name}:${value}\n`;
  });
  const names = signed.headerNames.join(";");
  const canonical = [request.method, uriEncodePath(request.path), query, headers.join(""), names, signed.payload];
  const hash = createHash("sha256").update(canonical.join("\n")).digest("hex");
  const key = signed.scope.split("/").reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secretKey}`);
  return hmac(key, [ALGORITHM, signed.date, signed.scope, hash].join("\n")).toString("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
