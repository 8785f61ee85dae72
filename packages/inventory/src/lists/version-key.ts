/** More digits than a version has; the rest is compared as text. */
const DIGITS = 20;

/**
 * A text by which tags are sorted as version numbers: numbers by their value, and what follows a `-` before nothing, as in
 * `1.9`, `1.10-rc1`, `1.10`.
 */
export function versionKey(tag: string): string {
  const padded = tag.replace(/^v(?=\d)/, "").replace(/\d+/g, (digits) => digits.padStart(DIGITS, "0"));
  // `!` and then `#` sort before everything that a tag can have.
  return `${padded.replaceAll("-", "!")}#`;
}
