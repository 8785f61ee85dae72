declare const brand: unique symbol;

/**
 * A verified `<algorithm>:<lower-case hex>` text (OCI image specification, descriptor §Digests). Made by digest.ts; apart
 * from it since errors name digests, and what makes digests throws errors.
 */
export type Digest = string & { readonly [brand]: "Digest" };
