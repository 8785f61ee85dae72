import { hash, randomInt, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * A personal access token as its holder sees it: `lspat_`, 30 random characters and 6 of a checksum, all of base 62. The
 * prefix lets scanners of secrets find tokens that were published by mistake; the checksum keeps typing errors from the storage.
 */
const TOKEN_PREFIX = "lspat_";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 178 bits: nothing to guess, so a fast digest is enough for what is stored. */
const RANDOM_LENGTH = 30;
const CHECKSUM_LENGTH = 6;

const TOKEN = new RegExp(`^${TOKEN_PREFIX}([0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** A new token. */
export function generateToken(): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return `${TOKEN_PREFIX}${random}${checksumOf(random)}`;
}

/** Whether a password is meant to be one of our tokens, right or wrong: no other source needs to see it. */
export function looksLikeToken(password: string): boolean {
  return password.startsWith(TOKEN_PREFIX);
}

/** Whether `text` has the form of a token and its checksum fits. That tells nothing about whether it was ever issued. */
export function isWellFormed(text: string): boolean {
  const [, random = "", checksum] = TOKEN.exec(text) ?? [];
  return checksum !== undefined && checksum === checksumOf(random);
}

/** What is stored of a token: its SHA-256, in hex. */
export function digestOf(token: string): string {
  return hash("sha256", token, "hex");
}

const ID_LENGTH = 20;

/** The name of a token in lists, logs and commands: the first 80 bits of its digest, which lead nobody back to it. */
export function idOf(token: string): string {
  return idOfDigest(digestOf(token));
}

/** The same, of a token's {@link digestOf}. */
export function idOfDigest(digest: string): string {
  return digest.slice(0, ID_LENGTH);
}

/** Whether `text` can be the name of a token. */
export function isTokenId(text: string): boolean {
  return /^[0-9a-f]{20}$/.test(text);
}

/** Whether two digests are the same, in a time that doesn't tell where they differ. */
export function isSameDigest(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one, "hex"), Buffer.from(other, "hex")];
  return first.length === second.length && timingSafeEqual(first, second);
}

function checksumOf(random: string): string {
  let rest = crc32(random);
  let text = "";
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    text = `${ALPHABET[rest % ALPHABET.length] ?? ""}${text}`;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}
