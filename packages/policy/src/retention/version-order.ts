interface Version {
  readonly numbers: readonly bigint[];
  /** Empty for a release. */
  readonly pre: readonly string[];
  readonly text: string;
}

const VERSION = /^[vV]?(\d{1,40}(?:\.\d{1,40})*)(?:[-_]?([A-Za-z][0-9A-Za-z._-]*)|[-_]([0-9A-Za-z._-]+))?$/;

/** Reads `v1.2.3-rc.1`, `1.2`, `2024.05.01`; undefined if the tag isn't like a version. */
function parse(text: string): Version | undefined {
  const [, numbers, word, rest] = VERSION.exec(text) ?? [];
  if (numbers === undefined) return undefined;
  const pre = (word ?? rest ?? "").split(/[.-]/).filter((part) => part !== "");
  return { numbers: numbers.split(".").map(BigInt), pre, text };
}

/**
 * Compares two tags as versions, for sorting: older first, as Semantic Versioning orders them where they have its form: `1.9` before `1.10`,
 * `1.10-rc1` before `1.10`. Tags that aren't versions come before all that are. Never 0 for different tags.
 */
export function compareVersions(one: string, other: string): number {
  return compareParsed(read(one), read(other));
}

/** Sorts tags as {@link compareVersions} does, after `first`. Each tag is read once, so that many take no longer than they have to. */
export function sortByVersion<T>(
  items: readonly T[],
  tagOf: (item: T) => string,
  first: (one: T, other: T) => number = () => 0,
): T[] {
  return items
    .map((item) => ({ item, read: read(tagOf(item)) }))
    .sort((one, other) => first(one.item, other.item) || compareParsed(one.read, other.read))
    .map(({ item }) => item);
}

interface Read {
  readonly text: string;
  readonly version: Version | undefined;
}

const read = (text: string): Read => ({ text, version: parse(text) });

function compareParsed(one: Read, other: Read): number {
  const [a, b] = [one.version, other.version];
  if (a === undefined || b === undefined) {
    if (a !== undefined) return 1;
    return b !== undefined ? -1 : compareText(one.text, other.text);
  }
  return compareNumbers(a.numbers, b.numbers) || comparePre(a.pre, b.pre) || compareText(one.text, other.text);
}

function compareNumbers(one: readonly bigint[], other: readonly bigint[]): number {
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [a, b] = [one[index] ?? 0n, other[index] ?? 0n];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

function comparePre(one: readonly string[], other: readonly string[]): number {
  // A release comes after what preceded it.
  if (one.length === 0 || other.length === 0) return other.length - one.length === 0 ? 0 : one.length === 0 ? 1 : -1;
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [a, b] = [one[index], other[index]];
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    const order = compareParts(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by value, and before words (SemVer 2.0.0 §11.4); words such as `rc9` by their letters, then their number. */
function compareParts(one: string, other: string): number {
  const [a, b] = [splitPart(one), splitPart(other)];
  return (
    compareText(a.word, b.word) ||
    (a.number === b.number ? 0 : a.number < b.number ? -1 : 1) ||
    compareText(a.rest, b.rest)
  );
}

function splitPart(part: string): { readonly word: string; readonly number: bigint; readonly rest: string } {
  const [, word = "", digits = "", rest = ""] = /^([^0-9]*)(\d{0,40})(.*)$/s.exec(part) ?? [];
  return { word, number: digits === "" ? -1n : BigInt(digits), rest };
}

function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
