import { parseTemplate } from "./template.js";

/** What a repository name is made of (OCI Distribution specification, "Pulling manifests"). */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const FOREIGN = /[^a-z0-9._/-]/u;
const LONGEST = 255;

const WHAT = "names are lower-case letters, digits, and . _ - between them, in parts that slashes separate";

/**
 * Why no repository can have a name that matches `pattern`; undefined if one can, or if it can't be told, as with most regular
 * expressions.
 */
export function findNameProblem(pattern: string): string | undefined {
  const template = parseTemplate(pattern);
  if ("unknown" in template) return undefined;
  const texts = template.segments.map(({ kind, source }) => (kind === "text" ? source : undefined));
  if (template.regex) return regexProblem(texts.join(""), texts.includes(undefined));
  const [only] = texts;
  if (texts.length === 1 && only !== undefined && !/[*?[\]\\]/.test(only)) {
    if (only.length <= LONGEST && NAME.test(only)) return undefined;
    return `never matches: no repository can be called ${JSON.stringify(only)}; ${WHAT}`;
  }
  for (const text of texts) {
    // What stands in brackets or behind a backslash is left out of the question.
    const plain = text?.replace(/\\.|\[[^\]]*\]/gs, "x").replace(/[*?]/g, "");
    const [foreign] = FOREIGN.exec(plain ?? "") ?? [];
    if (foreign !== undefined)
      return `never matches: no repository has ${JSON.stringify(foreign)} in its name; ${WHAT}`;
  }
  const whole = texts.map((text) => text ?? "x").join("");
  if (/^[/._-]|\/$|\/\//.test(whole))
    return `never matches: no name begins with a sign, ends with a slash or has two in a row; ${WHAT}`;
  return undefined;
}

/** Only of an expression that is nothing but a text. */
function regexProblem(body: string, hasPlaceholders: boolean): string | undefined {
  const text = body.replace(/^\^/, "").replace(/\$$/, "");
  if (hasPlaceholders || /[\\.+*?()|[\]{}^$]/.test(text)) return undefined;
  const [foreign] = FOREIGN.exec(text) ?? [];
  return foreign === undefined
    ? undefined
    : `never matches: no repository has ${JSON.stringify(foreign)} in its name; ${WHAT}`;
}
