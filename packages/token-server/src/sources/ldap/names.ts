/** A name to bind with: a template with `${account}`, such as `uid=${account},ou=people,dc=example` or `${account}@corp.example`. */
const PLACEHOLDER = "${account}";

/** Active Directory forbids these in an account's name, and `@` would choose another domain. */
const NOT_IN_NAMES = /["/\\[\]:;|=,+*?<>@#\s]/;

/** RFC 4514 §2.4: a value as it stands in a DN. */
export function escapeDnValue(value: string): string {
  return value
    .replace(/["+,;<>\\=]/g, (character) => `\\${character}`)
    .replace(/[\p{Cc}]/gu, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/(?<!^\\?) $/, "\\ ");
}

/** What is wrong with a template of a name to bind with; undefined if nothing is. */
export function findNameProblem(template: string): string | undefined {
  if (template.split(PLACEHOLDER).length !== 2) return `it has to contain ${PLACEHOLDER} once`;
  // Else an account could choose how the bind is done: the library takes names such as EXTERNAL for a mechanism.
  if (!/[=@\\]/.test(template.replace(PLACEHOLDER, ""))) return "it has to be a DN, user@domain, or DOMAIN\\user";
  return undefined;
}

/** The name to bind with; undefined if no account can have such a name. */
export function fillName(template: string, account: string): string | undefined {
  const [before = "", after = ""] = template.split(PLACEHOLDER);
  if (before.includes("=")) return `${before}${escapeDnValue(account)}${after}`;
  return NOT_IN_NAMES.test(account) ? undefined : `${before}${account}${after}`;
}

/** A DN in a form in which equal ones mostly look the same; for keeping track of what was seen, not for decisions. */
export function foldDn(dn: string): string {
  return dn.toLowerCase().replace(/\s*([,=+])\s*/g, "$1");
}

/** The common name of an entry by its DN: of its first RDN (RFC 4514 §3), and of no entry above it; undefined if it has none. */
export function commonNameOf(dn: string): string | undefined {
  const value = /^(?:[^,=+\\]+=(?:[^,+\\]|\\.)*\+)*\s*cn\s*=\s*((?:[^,+\\]|\\.)*)/i.exec(dn)?.[1];
  if (value === undefined) return undefined;
  const unescaped = unescapeDnValue(value.replace(/(?<!\\) +$/, ""));
  return unescaped === "" ? undefined : unescaped;
}

/** Escaped bytes are of UTF-8, so that a character can be several of them. */
function unescapeDnValue(value: string): string {
  return value.replace(
    /(?:\\[0-9a-f]{2})+|\\(.)/gi,
    (escape, character?: string) => character ?? Buffer.from(escape.replaceAll("\\", ""), "hex").toString(),
  );
}

/** Names as directories compare them (RFC 4518): without regard to case, width and repeated spaces. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim().replace(/\s+/g, " ");
}
