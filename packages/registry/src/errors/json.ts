const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

const SPECIAL = /[<>&\u2028\u2029]/g;

/**
 * `value` as JSON with the escapes and the trailing newline of Go's encoder (wire contract §2), so that bodies match
 * Distribution's byte for byte.
 */
export function toWireJson(value: unknown): string {
  return `${escapeAsGo(JSON.stringify(value))}\n`;
}

/** Escapes the characters in JSON that Go's encoder escapes for HTML. */
export function escapeAsGo(json: string): string {
  return json.replace(SPECIAL, (character) => ESCAPES[character] ?? character);
}
