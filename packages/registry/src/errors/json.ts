const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

const SPECIAL = /[<>&\u2028\u2029]/g;

/** `value` as JSON with the escapes that Go's encoder makes, and its newline behind (contract §2): bodies stay byte-equal. */
export function toWireJson(value: unknown): string {
  return `${escapeAsGo(JSON.stringify(value))}\n`;
}

/** JSON with the characters that Go's encoder escapes for the sake of HTML. */
export function escapeAsGo(json: string): string {
  return json.replace(SPECIAL, (character) => ESCAPES[character] ?? character);
}
