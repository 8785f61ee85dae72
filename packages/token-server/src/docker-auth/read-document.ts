import { isMap, isNode, isScalar, LineCounter, parseDocument, Scalar, visit, type Document, type YAMLMap } from "yaml";

/** Steps to a value: `["acl", 3, "match"]`. */
export type Place = readonly (string | number)[];

/** A file as docker_auth's parser sees it: a scalar is text whatever it looks like, and what a field makes of it is the field's concern. */
export interface ReadDocument {
  readonly value: unknown;
  /** Where the value is, or else what encloses it; from 1. */
  lineOf(place: Place): number;
}

/** Why a file can't be read. */
export interface DocumentProblem {
  readonly line: number;
  readonly message: string;
}

/** More is no configuration; a few lines of aliases could expand to billions of values. */
const MOST_ALIASES = 100;
const MOST_BYTES = 4 * 1024 * 1024;

/** Reads YAML, with its merge keys. A key that is given twice is refused, unless all but the last are empty. */
export function readDocument(text: string): ReadDocument | readonly DocumentProblem[] {
  if (text.length > MOST_BYTES) return [{ line: 1, message: "too large for a configuration" }];
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ""), {
    schema: "failsafe",
    version: "1.1",
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
    lineCounter: lines,
  });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  if (document.errors.length > 0) {
    // The parser's own words may quote the text, which can hold a secret.
    return document.errors.slice(0, 1).map(({ pos }) => ({ line: lineAt(pos[0]), message: "it is no valid YAML" }));
  }
  const repeated = removeEmptyRepetitions(document);
  if (repeated.length > 0) {
    return repeated.map(({ key, offset }) => ({
      line: lineAt(offset),
      message: `${key}: given more than once; remove all but one`,
    }));
  }
  markNulls(document);
  const value = valueOf(document);
  if (value === undefined) return [{ line: 1, message: "it has too many aliases" }];
  return { value: value.plain, lineOf: (place) => lineAt(offsetOf(document, place)) };
}

function valueOf(document: Document): { readonly plain: unknown } | undefined {
  try {
    return { plain: document.toJS({ maxAliasCount: MOST_ALIASES }) };
  } catch {
    return undefined;
  }
}

/** The keys that are given twice with a value, after those without one are gone. */
function removeEmptyRepetitions(document: Document): { readonly key: string; readonly offset: number }[] {
  const repeated: { readonly key: string; readonly offset: number }[] = [];
  visit(document, {
    Map(_, map: YAMLMap) {
      const seen = new Set<string>();
      for (const pair of map.items.toReversed()) {
        const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
        if (key === undefined || key === "<<") continue;
        if (!seen.has(key)) seen.add(key);
        else if (isNull(pair.value)) map.items.splice(map.items.indexOf(pair), 1);
        else repeated.push({ key, offset: isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0 });
      }
    },
  });
  return repeated;
}

function isNull(node: unknown): boolean {
  if (node === null || node === undefined) return true;
  return isScalar(node) && node.type === Scalar.PLAIN && /^(?:~|null|Null|NULL|)$/.test(String(node.value));
}

function markNulls(document: Document): void {
  visit(document, {
    Scalar(key, node) {
      if (key !== "key" && isNull(node)) node.value = null;
    },
  });
}

function offsetOf(document: Document, place: Place): number {
  for (let length = place.length; length > 0; length -= 1) {
    const steps = place.slice(0, length);
    const last = steps.at(-1);
    const parent: unknown = steps.length === 1 ? document.contents : document.getIn(steps.slice(0, -1), true);
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last));
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
      continue;
    }
    const node: unknown = document.getIn(steps, true);
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return 0;
}
