const PLAIN = /^[A-Za-z0-9\-._/@^+]*$/;
/** Printable Latin-1 without quote and backslash: `µ` of a duration among it, which stands in nearly every line. */
const SAFE_TEXT = /^[ !#-[\]-~\u00a1-\u00ac\u00ae-\u00ff]*$/;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** The inside of a quoted string as Go's `%q` writes it: no control character gets into a log line, so none can be forged. */
export function escapeGo(text: string): string {
  if (SAFE_TEXT.test(text)) return text;
  let out = "";
  for (const character of text) {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) out += short;
    else if (character === " " || PRINTABLE.test(character)) out += character;
    else out += hexEscape(character.codePointAt(0) ?? 0);
  }
  return out;
}

function hexEscape(code: number): string {
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A value of the text format: bare where it is plain, quoted otherwise (contract §9.4). */
export function quoteValue(text: string): string {
  return PLAIN.test(text) ? text : `"${escapeGo(text)}"`;
}
