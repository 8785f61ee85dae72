/** A compiled pattern for claims and repositories. */
export interface Wildcard {
  /** Whether all of `text` matches. The time is at most the product of both lengths. */
  matches(text: string): boolean;
  /** What every matching string begins with; the whole string if the pattern is literal. */
  readonly prefix: string;
  /** Whether the pattern has no wildcard, so that only {@link Wildcard.prefix} matches. */
  readonly isLiteral: boolean;
}

type Part =
  | { readonly kind: "text"; readonly character: string }
  /** `?`: one character of a segment. */
  | { readonly kind: "one" }
  /** `*`: any characters of a segment. */
  | { readonly kind: "segment" }
  /** `**`: any characters at all. */
  | { readonly kind: "all" };

/** What separates segments: of repositories (`team/app`), and of subjects (`repo:team/app:ref:…`). */
const SEPARATORS: ReadonlySet<string> = new Set(["/", ":"]);

const MAX_LENGTH = 1024;

/**
 * Compiles a pattern in which `*` and `?` stop at `/` and `:`, so that a pattern for one repository or branch can't reach into
 * another; `**` crosses both, and a backslash takes the next character literally. Throws an Error, with a message for people,
 * for a pattern that ends in a backslash or is too long.
 */
export function compileWildcard(pattern: string): Wildcard {
  const parts = parse(pattern);
  const wild = parts.findIndex((part) => part.kind !== "text");
  const literal = wild < 0 ? parts : parts.slice(0, wild);
  const prefix = literal.map((part) => (part.kind === "text" ? part.character : "")).join("");
  if (wild < 0) return { matches: (text) => text === prefix, prefix, isLiteral: true };
  return { matches: (text) => text.startsWith(prefix) && run(parts, Array.from(text)), prefix, isLiteral: false };
}

function parse(pattern: string): readonly Part[] {
  if (pattern.length > MAX_LENGTH) throw new Error(`it is longer than ${MAX_LENGTH} characters`);
  const characters = Array.from(pattern);
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? "";
    if (character === "\\") {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined) throw new Error("it ends in a backslash");
      parts.push({ kind: "text", character: escaped });
    } else if (character === "?") {
      parts.push({ kind: "one" });
    } else if (character === "*") {
      const isDouble = characters[at + 1] === "*";
      if (isDouble) at += 1;
      parts.push({ kind: isDouble ? "all" : "segment" });
    } else {
      parts.push({ kind: "text", character });
    }
  }
  return parts;
}

/** Tracks all places in the pattern at once, character by character, so that no input makes it backtrack. */
function run(parts: readonly Part[], text: readonly string[]): boolean {
  let places = reachable(parts, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const place of places) {
      const part = parts[place];
      if (part === undefined) continue;
      if (part.kind === "all" || (part.kind === "segment" && !SEPARATORS.has(character))) next.add(place);
      if (part.kind === "text" && part.character === character) next.add(place + 1);
      if (part.kind === "one" && !SEPARATORS.has(character)) next.add(place + 1);
    }
    if (next.size === 0) return false;
    places = reachable(parts, next);
  }
  return places.has(parts.length);
}

/** Adds the places behind stars, which may match nothing. */
function reachable(parts: readonly Part[], places: Set<number>): ReadonlySet<number> {
  // A set is iterated in the order of insertion, including what is added meanwhile.
  for (const place of places) {
    const kind = parts[place]?.kind;
    if (kind === "segment" || kind === "all") places.add(place + 1);
  }
  return places;
}
