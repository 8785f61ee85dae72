import { createHash } from "node:crypto";
import { MINUTE, SECOND } from "@longshore/base/duration";
import type { CallOptions, RedirectRequest } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import type { Credential, Signatory } from "./credential.js";
import type { GcsOptions } from "./options.js";

/** Allows others to read objects. */
export interface Signer {
  /** The address by which anyone can read the object called `name` for a while; undefined if the identity can't sign. */
  addressOf(
    name: string,
    method: RedirectRequest["method"],
    call: CallOptions | undefined,
  ): Promise<string | undefined>;
}

/** How long the service that signs may take (ms). */
const PATIENCE = 10 * SECOND;
/** How long it isn't asked again where the identity may not sign, and after another failure (ms). */
const REFUSED_FOR = 5 * MINUTE;
const FAILED_FOR = 10 * SECOND;

interface SignerNeeds {
  readonly credential: Credential;
  readonly options: GcsOptions;
  /** Monotonic (ms). */
  readonly now: () => number;
}

/** Where nothing can be signed, the registry serves the bytes itself: a failure is no reason to serve nothing. */
export function createSigner({ credential, options, now }: SignerNeeds): Signer {
  let signatory: Signatory | undefined;
  let pausedUntil = -Infinity;

  const sign = async (name: string, method: string, signal: AbortSignal): Promise<string | undefined> => {
    signatory ??= await credential.signatory(signal);
    if (signatory === undefined) return undefined;
    const { email, longest = Infinity } = signatory;
    const expiry = Math.min(options.redirectexpiry, longest);
    const request = describe({ options, name, method, email, expiry, time: new Date() });
    const signature = await signatory.sign(request.text, signal);
    return `${request.url}&X-Goog-Signature=${signature.toString("hex")}`;
  };

  return {
    async addressOf(name, method, call) {
      if (now() < pausedUntil) return undefined;
      let pause = REFUSED_FOR;
      try {
        const timeout = AbortSignal.timeout(PATIENCE);
        const signal = call?.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
        const address = await sign(name, method, signal);
        if (address !== undefined) return address;
      } catch (error) {
        call?.signal?.throwIfAborted();
        if (!isFault(error, "access-denied", "refused")) pause = FAILED_FOR;
      }
      pausedUntil = now() + pause;
      return undefined;
    },
  };
}

interface Signed {
  readonly options: Pick<GcsOptions, "serviceurl" | "bucket">;
  readonly name: string;
  readonly method: string;
  readonly email: string;
  /** How long the address is valid (ms). */
  readonly expiry: number;
  readonly time: Date;
}

/** The address without its signature, and the text that is signed (version 4, GOOG4-RSA-SHA256). */
function describe({ options, name, method, email, expiry, time }: Signed): {
  readonly url: string;
  readonly text: string;
} {
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${stamp.slice(0, 8)}/auto/storage/goog4_request`;
  const path = objectPath(options.bucket, name);
  const query = [
    ["X-Goog-Algorithm", "GOOG4-RSA-SHA256"],
    ["X-Goog-Credential", `${email}/${scope}`],
    ["X-Goog-Date", stamp],
    ["X-Goog-Expires", String(Math.max(1, Math.floor(expiry / SECOND)))],
    ["X-Goog-SignedHeaders", "host"],
  ]
    .map(([key = "", value = ""]) => `${key}=${encode(value)}`)
    .join("&");
  const { host } = new URL(options.serviceurl);
  const canonical = [method, path, query, `host:${host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  return {
    url: `${options.serviceurl}${path}?${query}`,
    text: ["GOOG4-RSA-SHA256", stamp, scope, hash].join("\n"),
  };
}

/** Everything but RFC 3986's unreserved characters as `%XX`. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Where the XML API has an object. */
export function objectPath(bucket: string, name: string): string {
  return `/${encode(bucket)}/${name.split("/").map(encode).join("/")}`;
}
