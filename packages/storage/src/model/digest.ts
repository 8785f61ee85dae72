import { createHash, type Hash } from "node:crypto";
import { StorageError, type DigestProblem } from "../errors.js";
import type { Digest } from "./digest-text.js";

export type { Digest };

/** The supported algorithms, with the length of their hex part. */
const HEX_LENGTH = { sha256: 64, sha384: 96, sha512: 128 } as const;

/** A digest algorithm's registered name. */
export type DigestAlgorithm = keyof typeof HEX_LENGTH;

/** The algorithm of digests unless another is requested. */
export const CANONICAL_ALGORITHM: DigestAlgorithm = "sha256";

export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ["sha256", "sha384", "sha512"];

/** The grammar of the OCI image specification, as in Distribution's router. */
const GRAMMAR = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const HEX = /^[a-f0-9]+$/;

/** Whether `text` names a supported algorithm. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}

/** Whether `text` has the shape of a digest (`algorithm:encoded`), whatever its algorithm. */
export function looksLikeDigest(text: string): boolean {
  return GRAMMAR.test(text);
}

/** What is wrong with `text` as a digest; undefined if nothing. */
function problemOf(text: string): DigestProblem | undefined {
  if (!GRAMMAR.test(text)) return "format";
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (!isDigestAlgorithm(algorithm)) return "algorithm";
  if (text.length - colon - 1 !== HEX_LENGTH[algorithm]) return "length";
  return HEX.test(text.slice(colon + 1)) ? undefined : "format";
}

/** Whether `text` is a digest of a supported algorithm. */
export function isDigest(text: string): text is Digest {
  return problemOf(text) === undefined;
}

/** Parses a digest. Throws DIGEST_INVALID. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new StorageError({ code: "DIGEST_INVALID", text, problem: problemOf(text) ?? "format" });
}

/** The algorithm and the hex part of `digest`. */
export function splitDigest(digest: Digest): { algorithm: DigestAlgorithm; hex: string } {
  const colon = digest.indexOf(":");
  const algorithm = digest.slice(0, colon);
  return { algorithm: isDigestAlgorithm(algorithm) ? algorithm : CANONICAL_ALGORITHM, hex: digest.slice(colon + 1) };
}

/** An incremental hash that yields a {@link Digest}. */
export interface Digester {
  readonly algorithm: DigestAlgorithm;
  update(bytes: Uint8Array): void;
  /** The digest of all bytes so far; more may follow. */
  current(): Digest;
}

/** A digester that has seen no bytes yet. */
export function createDigester(algorithm: DigestAlgorithm): Digester {
  const hash: Hash = createHash(algorithm);
  return {
    algorithm,
    update: (bytes) => void hash.update(bytes),
    current: () => parseDigest(`${algorithm}:${hash.copy().digest("hex")}`),
  };
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = CANONICAL_ALGORITHM): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
}
