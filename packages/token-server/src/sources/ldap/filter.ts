import { AuthError } from "@longshore/auth";
import { FilterParser, type Filter } from "ldapts";
import { PLACEHOLDER } from "./template.js";

/** RFC 4515 §3: what has a meaning in a filter is written as its bytes in hex. Other characters stand for themselves in UTF-8. */
function escapeFilterValue(value: string): string {
  return value.replace(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The filter that `template` becomes with `values`, each a value and never syntax. Throws if the template is no filter. */
export function fillFilter(template: string, values: Readonly<Record<string, string>>): Filter {
  return FilterParser.parseString(
    template.replace(PLACEHOLDER, (placeholder, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      return value === undefined ? placeholder : escapeFilterValue(value);
    }),
  );
}

/** Throws AuthError INVALID_OPTIONS if `template`, the option at `path`, is no filter. */
export function checkFilter(path: string, template: string): void {
  try {
    fillFilter(template, { account: "x", dn: "x" });
  } catch (error) {
    const reason = `${JSON.stringify(template)} is not an LDAP filter (RFC 4515): check its parentheses`;
    throw new AuthError({ code: "INVALID_OPTIONS", path, reason }, { cause: error });
  }
}
