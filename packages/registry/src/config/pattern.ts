/** What Go's RE2 writes differently, as the source of a JavaScript expression with the `u` flag. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: "^",
  z: "$",
  a: "\\x07",
  e: "\\x1b",
};

const POSIX: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  digit: "0-9",
  lower: "a-z",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** Characters that RE2 lets one escape for no reason, and JavaScript's `u` flag doesn't. */
const NEEDLESS_ESCAPE = /[^A-Za-z0-9^$\\.*+?()[\]{}|/]/;

/**
 * Compiles a pattern of `validation.manifests.urls` (contract §11.1: RE2, unanchored).
 * @throws SyntaxError for what RE2 or this translation can't read: look-around and back references among them, which
 *   RE2 refuses too
 */
export function compilePattern(source: string): RegExp {
  if (/\(\?(?:[=!]|<[=!])/.test(source)) throw new SyntaxError("look-around is not part of RE2");
  let flags = "u";
  let rest = source;
  const leading = /^\(\?([ims]+)\)/.exec(rest);
  if (leading) {
    flags += [...new Set(leading[1])].join("");
    rest = rest.slice(leading[0].length);
  }
  return new RegExp(translate(rest), flags);
}

function translate(source: string): string {
  let out = "";
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const rest = source.slice(at);
    const posix = inClass ? /^\[:(\w+):\]/.exec(rest) : null;
    if (posix) {
      const members = POSIX[posix[1] ?? ""];
      if (members === undefined) throw new SyntaxError(`unknown character class ${posix[0]}`);
      out += members;
      at += posix[0].length - 1;
      continue;
    }
    const char = source.charAt(at);
    if (char === "\\") {
      const next = source.charAt(++at);
      if (/[1-9]/.test(next)) throw new SyntaxError("back references are not part of RE2");
      if (next === "Q" && !inClass) {
        const end = source.indexOf("\\E", at);
        const literal = source.slice(at + 1, end < 0 ? undefined : end);
        out += literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
        at = end < 0 ? source.length : end + 1;
      } else out += inClass ? escapeInClass(next) : escape(next);
    } else if (!inClass && rest.startsWith("(?P<")) {
      out += "(?<";
      at += 3;
    } else if (inClass && char === "[") {
      out += "\\[";
    } else {
      if (char === "[") inClass = true;
      else if (char === "]") inClass = false;
      out += char;
    }
  }
  return out;
}

function escape(next: string): string {
  return ESCAPES[next] ?? (NEEDLESS_ESCAPE.test(next) ? next : `\\${next}`);
}

function escapeInClass(next: string): string {
  return next !== "-" && NEEDLESS_ESCAPE.test(next) ? next : `\\${next}`;
}
