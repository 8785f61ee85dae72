/** Printable Latin-1 without the quote and the backslash. `µ` is part of it: it appears in nearly every duration. */
const SAFE_TEXT = /^[ !#-[\]-~\u00a1-\u00ac\u00ae-\u00ff]*$/;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const ASCII = /^[ -~]$/;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};
const GO_ESCAPES: Readonly<Record<string, string>> = { ...SHORT_ESCAPES, "\u0007": "\\a" };

/** The inside of a quoted string as Go's `%q` writes it. No control character survives, so a log line can't be forged. */
export function escapeGo(text: string): string {
  return SAFE_TEXT.test(text) ? text : escape(text, PRINTABLE, GO_ESCAPES);
}

/**
 * `text` as a quoted-string of a header (RFC 9110 §5.6.4), escaped as Distribution's challenges are: in printable ASCII only,
 * as Go's `%+q` writes it, except that BEL is `\x07`.
 */
export function quoteHeader(text: string): string {
  return `"${escape(text, ASCII, SHORT_ESCAPES)}"`;
}

function escape(text: string, plain: RegExp, short: Readonly<Record<string, string>>): string {
  let out = "";
  for (const character of text) {
    const known = short[character];
    if (known !== undefined) out += known;
    else if (character === " " || plain.test(character)) out += character;
    else out += hexEscape(character.codePointAt(0) ?? 0);
  }
  return out;
}

function hexEscape(code: number): string {
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
