/** The value of a scalar for a field without a declared type. */
export type ScalarValue = string | number | boolean | null;

const WORDS: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...spellings(null, "", "~", "null", "Null", "NULL"),
  ...spellings(true, "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"),
  ...spellings(false, "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"),
  ...spellings(Number.NaN, ".nan", ".NaN", ".NAN"),
  ...spellings(Infinity, ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"),
  ...spellings(-Infinity, "-.inf", "-.Inf", "-.INF"),
]);

const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/**
 * Determines the type of an unquoted scalar as Distribution's YAML 1.1 parser does (wire contract §3.1): `yes` and `on` are
 * booleans, `0123` is octal, `1_000` is a thousand; base 60 (`1:30`) and dates remain strings.
 */
export function resolveScalar(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  const digits = text.replaceAll("_", "");
  const integer = INTEGER.exec(digits);
  if (integer && /^[-+0-9]/.test(text)) {
    const [, sign, hex, binary, octal, decimal] = integer;
    const size = hex
      ? Number.parseInt(hex, 16)
      : binary
        ? Number.parseInt(binary, 2)
        : octal
          ? Number.parseInt(octal, 8)
          : Number(decimal);
    return sign === "-" && size > 0 ? -size : size;
  }
  return FLOAT.test(text.startsWith(".") ? text : digits) ? Number(digits) : text;
}

function spellings(value: ScalarValue, ...words: string[]): [string, ScalarValue][] {
  return words.map((word) => [word, value]);
}
