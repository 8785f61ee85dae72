/** One of a certificate's alternative names. */
export interface AlternativeName {
  /** As OpenSSL spells it: `DNS`, `email`, `URI`, `IP Address`, … */
  readonly kind: string;
  readonly value: string;
}

/** A quoted name: Node quotes names that contain something which could be taken for the next name. */
const QUOTED = /^"(?:[^"\\]|\\.)*"/;

function unquote(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Parses names in the form `DNS:a, URI:"b, c"`; undefined if any part is malformed, since a part must not pass for the whole. */
export function parseAlternativeNames(text: string): readonly AlternativeName[] | undefined {
  const names: AlternativeName[] = [];
  let rest = text;
  while (rest !== "") {
    const [prefix, kind] = /^([A-Za-z ]+):/.exec(rest) ?? [];
    if (prefix === undefined || kind === undefined) return undefined;
    rest = rest.slice(prefix.length);
    const [quoted] = QUOTED.exec(rest) ?? [];
    const source = quoted ?? /^[^,"]*/.exec(rest)?.[0] ?? "";
    const value = quoted === undefined ? source : unquote(quoted);
    if (value === undefined) return undefined;
    names.push({ kind, value });
    rest = rest.slice(source.length);
    if (rest === "") break;
    if (!rest.startsWith(", ") || rest.length === 2) return undefined;
    rest = rest.slice(2);
  }
  return names;
}
