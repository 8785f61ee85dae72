/** What a template of a filter may insert: `${account}`, `${dn}`. */
export const PLACEHOLDER = /\$\{([^}]*)\}/g;

/** What is wrong with a template of a filter that has to contain `${needed}` and may contain the others; undefined if nothing is. */
export function findFilterProblem(
  template: string,
  needed: string,
  others: readonly string[] = [],
): string | undefined {
  const names = Array.from(template.matchAll(PLACEHOLDER), ([, name = ""]) => name);
  const unknown = names.find((name) => name !== needed && !others.includes(name));
  if (unknown !== undefined)
    return `\${${unknown}} is unknown; known are ${[needed, ...others].map(inBraces).join(", ")}`;
  if (![needed, ...others].some((name) => names.includes(name))) return `it has to contain ${inBraces(needed)}`;
  if (template.split("(").length !== template.split(")").length) return "its parentheses aren't balanced";
  // The library reads such an escape as a character of Latin-1.
  if (/\\[89a-f][0-9a-f]/i.test(template)) return "write characters outside of ASCII themselves, and not as \\xx";
  return undefined;
}

/** Attributes that a filter compares with the account, such as `uid` of `(uid=${account})`; in their order. */
export function accountAttributes(template: string): string[] {
  return Array.from(template.matchAll(/\(\s*([\w-]+)=\$\{account\}\)/g), ([, attribute = ""]) => attribute);
}

/** `template` with `attribute` in place of those that it compares with the account. */
export function withAccountAttribute(template: string, attribute: string): string {
  return template.replace(/[\w-]+(?==\$\{account\}\))/g, attribute);
}

function inBraces(name: string): string {
  return `\${${name}}`;
}
