/** The parts of a request that a pattern can name. */
export const FIELDS = ["account", "type", "name", "service"] as const;

/** One of {@link FIELDS}. */
export type Field = (typeof FIELDS)[number];

/** A piece of a pattern. `source` is the text that it was written as. */
export type Segment =
  | { readonly kind: "text"; readonly source: string }
  /** `${account}`: the value of the request. */
  | { readonly kind: "field"; readonly source: string; readonly field: Field }
  /** `${account:1}`: what a group of the regular expression for that field in the same entry captured. */
  | { readonly kind: "capture"; readonly source: string; readonly field: Field; readonly group: number }
  /** `${labels:team}`: each of the label's values. */
  | { readonly kind: "label"; readonly source: string; readonly label: string };

/** A parsed pattern. */
export interface Template {
  readonly source: string;
  readonly segments: readonly Segment[];
  /** Whether it is a regular expression, between slashes (which are not part of the segments); otherwise it is a glob. */
  readonly regex: boolean;
}

/** A letter after the brace distinguishes a placeholder from `$` and a repetition in a regular expression. */
const PLACEHOLDER = /\$\{([A-Za-z]+)(?::([^{}]*))?\}/g;

const META = /[\\.+*?()|[\]{}^$]/g;

/** Escapes `text` so that it matches literally, both in a regular expression and in a glob. */
export function quoteMeta(text: string): string {
  return text.replace(META, "\\$&");
}

function isField(name: string): name is Field {
  return FIELDS.some((field) => field === name);
}

function placeholder(source: string, name: string, argument: string | undefined): Segment | undefined {
  if (name === "labels") return argument ? { kind: "label", source, label: argument } : undefined;
  if (!isField(name)) return undefined;
  if (argument === undefined) return { kind: "field", source, field: name };
  return /^\d{1,4}$/.test(argument) ? { kind: "capture", source, field: name, group: Number(argument) } : undefined;
}

/** Parses a pattern, or returns the first unknown placeholder. */
export function parseTemplate(source: string): Template | { readonly unknown: string } {
  const regex = source.length > 2 && source.startsWith("/") && source.endsWith("/");
  const body = regex ? source.slice(1, -1) : source;
  const segments: Segment[] = [];
  let at = 0;
  for (const match of body.matchAll(PLACEHOLDER)) {
    const [text, name = "", argument] = match;
    const segment = placeholder(text, name, argument);
    if (segment === undefined) return { unknown: text };
    if (match.index > at) segments.push({ kind: "text", source: body.slice(at, match.index) });
    segments.push(segment);
    at = match.index + text.length;
  }
  if (at < body.length) segments.push({ kind: "text", source: body.slice(at) });
  return { source, segments, regex };
}
