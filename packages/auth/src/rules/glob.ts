/** Whether the whole text matches. */
export type Matcher = (text: string) => boolean;

/** `[a-c]`, `[^a-c]`: inclusive ranges of code points. */
interface CharacterClass {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

/** What one character must be: this code point, any except a slash, or one of a class. */
type Item = number | "any" | CharacterClass;

/** The items between two stars; `star` if there is one before them. */
interface Chunk {
  readonly star: boolean;
  readonly items: readonly Item[];
}

const SLASH = 0x2f;
const CODES = { "*": 0x2a, "?": 0x3f, "[": 0x5b, "\\": 0x5c, "]": 0x5d, "^": 0x5e, "-": 0x2d } as const;

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** Reads a pattern from left to right. */
class Reader {
  readonly #points: readonly number[];
  #at = 0;

  constructor(pattern: string) {
    this.#points = codePoints(pattern);
  }

  next(): number | undefined {
    return this.#points[this.#at++];
  }

  skip(code: number): boolean {
    if (this.#points[this.#at] !== code) return false;
    this.#at += 1;
    return true;
  }
}

/** One end of a range; undefined if it is malformed. */
function rangeEnd(reader: Reader): number | undefined {
  const point = reader.next();
  if (point === CODES["-"] || point === CODES["]"]) return undefined;
  return point === CODES["\\"] ? reader.next() : point;
}

function characterClass(reader: Reader): CharacterClass | undefined {
  const negated = reader.skip(CODES["^"]);
  const ranges: [number, number][] = [];
  while (ranges.length === 0 || !reader.skip(CODES["]"])) {
    const low = rangeEnd(reader);
    const high = reader.skip(CODES["-"]) ? rangeEnd(reader) : low;
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  return { negated, ranges };
}

function item(point: number, reader: Reader): Item | undefined {
  if (point === CODES["?"]) return "any";
  if (point === CODES["["]) return characterClass(reader);
  return point === CODES["\\"] ? reader.next() : point;
}

/** The chunks of `pattern`; undefined if it is malformed. */
function parse(pattern: string): Chunk[] | undefined {
  const reader = new Reader(pattern);
  const chunks: Chunk[] = [];
  let items: Item[] = [];
  let star = false;
  for (let point = reader.next(); point !== undefined; point = reader.next()) {
    if (point === CODES["*"]) {
      if (star || items.length > 0) chunks.push({ star, items });
      star = true;
      items = [];
      while (reader.skip(CODES["*"]));
      continue;
    }
    const next = item(point, reader);
    if (next === undefined) return undefined;
    items.push(next);
  }
  chunks.push({ star, items });
  return chunks;
}

function itemMatches(item: Item, point: number): boolean {
  if (typeof item === "number") return item === point;
  // As in Go, a class can match a slash, but `?` can't.
  if (item === "any") return point !== SLASH;
  return item.ranges.some(([low, high]) => low <= point && point <= high) !== item.negated;
}

function chunkMatchesAt(items: readonly Item[], name: readonly number[], from: number): boolean {
  if (from + items.length > name.length) return false;
  return items.every((item, offset) => {
    const point = name[from + offset];
    return point !== undefined && itemMatches(item, point);
  });
}

/** Where the leftmost match of the chunk from `from` on ends; undefined if it doesn't match. */
function afterChunk({ star, items }: Chunk, last: boolean, name: readonly number[], from: number): number | undefined {
  for (let start = from; start <= name.length; start += 1) {
    const end = start + items.length;
    if (chunkMatchesAt(items, name, start) && (!last || end === name.length)) return end;
    if (!star || name[start] === SLASH) return undefined;
  }
  return undefined;
}

/**
 * Compiles a shell pattern with the semantics of Go's `path.Match`, which docker_auth's rules were written for: `*` and `?`
 * don't match slashes, `[a-z]` and `[^a-z]` are classes, a backslash escapes, and stars take the leftmost match without
 * backtracking. The time is bounded by the product of both lengths. Undefined if the pattern is malformed.
 */
export function compileGlob(pattern: string): Matcher | undefined {
  const chunks = parse(pattern);
  if (chunks === undefined) return undefined;
  return (text) => {
    const name = codePoints(text);
    let at: number | undefined = 0;
    for (const [index, chunk] of chunks.entries()) {
      at = afterChunk(chunk, index === chunks.length - 1, name, at);
      if (at === undefined) return false;
    }
    return true;
  };
}
