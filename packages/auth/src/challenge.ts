const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Everything but plain printable ASCII: header lines can carry nothing else. */
const SPECIAL = /["\\]|[^ -~]/gu;

function escape(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\x${point.toString(16).padStart(2, "0")}`;
  return point < 0x10000 ? `\\u${point.toString(16).padStart(4, "0")}` : `\\U${point.toString(16).padStart(8, "0")}`;
}

/** `text` in double quotes, escaped as Go's `%+q` does, which clients of the original were written against. */
export function quote(text: string): string {
  return `"${text.replace(SPECIAL, escape)}"`;
}

/** What a Bearer challenge says. */
export interface BearerChallenge {
  readonly realm: string;
  readonly service: string;
  /** Space-separated entries; left out where empty. */
  readonly scope?: string | undefined;
  /** RFC 6750 §3.1. */
  readonly error?: string | undefined;
}

/** `WWW-Authenticate` of RFC 7617 (contract §4.3). */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quote(realm)}`;
}

/** `WWW-Authenticate` of RFC 6750 in the parameter order that clients know (contract §4.4). */
export function bearerChallenge({ realm, service, scope, error }: BearerChallenge): string {
  let challenge = `Bearer realm=${quote(realm)},service=${quote(service)}`;
  if (scope !== undefined && scope !== "") challenge += `,scope=${quote(scope)}`;
  if (error !== undefined && error !== "") challenge += `,error=${quote(error)}`;
  return challenge;
}
