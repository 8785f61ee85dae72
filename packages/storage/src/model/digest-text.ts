declare const brand: unique symbol;

/**
 * A verified `<algorithm>:<lower-case hex>` string (OCI image specification, descriptor §Digests). Created by digest.ts, and
 * separate from it because errors name digests, and digest.ts throws errors.
 */
export type Digest = string & { readonly [brand]: "Digest" };
