import { AUTH_KINDS, type AuthKind } from "@longshore/auth";
import { section } from "@longshore/options/declare";
import { namesOf } from "@longshore/options/kind";

/** One optional section for each kind. One without keys has become an empty map by now: null never means "absent" here. */
const sections = Object.fromEntries(
  [...namesOf(AUTH_KINDS)].map(([name, kind]) => [name, kind.section(name).optional()]),
);

function withRole(...roles: readonly AuthKind["role"][]): readonly string[] {
  return AUTH_KINDS.filter(({ role }) => roles.includes(role)).map(({ name }) => name);
}

/** The sections whose users are subject to rules. */
export const RULED_SECTIONS: readonly string[] = withRole("passwords", "certificates").map((name) => `auth.${name}`);

const certificates = inMarkdown(withRole("certificates"), " or ");
const passwords = inMarkdown(withRole("passwords"), " or ");

export const auth = section(
  sections,
  `How users are authenticated: one of these (${certificates} also together with ${passwords}), or nothing at all to let anyone in. An unknown key prevents the start. See [authentication](authentication.md).`,
  { untyped: true, unknownKeys: "error" },
).optional();

/** Names as code, joined by `word`. */
export function inMarkdown(names: readonly string[], word: string): string {
  return names.map((name) => `\`${name}\``).join(word);
}
