/** `literal` as the source of a regular expression that matches exactly it; not for use inside a character class. */
export function escapeRegExp(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
