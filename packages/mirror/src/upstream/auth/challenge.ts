/** One challenge of `WWW-Authenticate` (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** By name in lower case; of two with the same name the first. Empty for a token68. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer headers are no challenge that a registry sends (characters). */
const MAX_LENGTH = 16 * 1024;

/** More challenges, or parameters of one, are left out. */
const MAX_ITEMS = 32;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const COMMAS = /[ \t,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;

/**
 * The challenges in all `headers` of an answer, in their order. What can't be read ends a header: the challenges before it count. Takes
 * time linear in the header's length.
 */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => (header.length > MAX_LENGTH ? [] : readHeader(header))).slice(0, MAX_ITEMS);
}

function readHeader(header: string): Challenge[] {
  const scan = createScanner(header);
  const challenges: Challenge[] = [];
  while (challenges.length < MAX_ITEMS) {
    scan.take(COMMAS);
    const scheme = scan.take(TOKEN);
    if (scheme === undefined) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: readParameters(scan) });
  }
  return challenges;
}

/** A name without `=` behind it is the next challenge's scheme: both are separated by the same comma. */
function readParameters(scan: Scanner): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  if (scan.take(TOKEN68_BEHIND_SPACE) !== undefined) return parameters;
  for (;;) {
    const start = scan.position();
    scan.take(COMMAS);
    const name = scan.take(TOKEN)?.toLowerCase();
    const value = name === undefined || scan.take(EQUALS) === undefined ? undefined : readValue(scan);
    if (name === undefined || value === undefined) {
      scan.moveTo(start);
      return parameters;
    }
    if (parameters.size < MAX_ITEMS && !parameters.has(name)) parameters.set(name, value);
    scan.take(SPACE);
  }
}

const TOKEN68_BEHIND_SPACE = new RegExp(`[ \\t]+${TOKEN68.source}`, "y");

function readValue(scan: Scanner): string | undefined {
  const quoted = scan.take(QUOTED);
  if (quoted === undefined) return scan.take(TOKEN);
  return quoted.slice(1, -1).replace(/\\([\s\S])/g, "$1");
}

interface Scanner {
  /** What `pattern`, which is sticky, matches here, and moves behind it. */
  take(pattern: RegExp): string | undefined;
  position(): number;
  moveTo(position: number): void;
}

function createScanner(text: string): Scanner {
  let at = 0;
  return {
    take(pattern) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found !== undefined) at += found.length;
      return found;
    },
    position: () => at,
    moveTo: (position) => {
      at = position;
    },
  };
}
