import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import { error, type Finding, warning } from "../findings.js";
import { resolveScalar } from "./scalar.js";
import { emptyMap, isNull, type MapNode, type Node, type Path, setEntry, type Source } from "./tree.js";

/** A configuration has a few hundred values; aliases could make billions of a few lines. */
const MOST_NODES = 20_000;
const MOST_DEPTH = 64;
const MOST_BYTES = 1024 * 1024;

export interface ParsedYaml {
  /** Undefined when the text is no YAML. An empty text is a null. */
  readonly node: Node | undefined;
  readonly findings: readonly Finding[];
}

/** Where a text comes from: a file, whose lines are counted, or one variable. */
export type TextOrigin = { readonly file: string } | { readonly variable: string };

/**
 * Reads YAML as the original does (contract §3.1): 1.1's types, the last of duplicate keys wins, aliases and merge keys.
 * Messages never contain a part of the text, which may be a secret.
 */
export function parseYaml(text: string, origin: TextOrigin): ParsedYaml {
  const lines = new LineCounter();
  const start = placeOf(origin, lines, 0);
  if (text.length > MOST_BYTES) {
    return {
      node: undefined,
      findings: [error([], start, `too long for a configuration: more than ${MOST_BYTES} bytes`)],
    };
  }
  try {
    const documents = parseAllDocuments(text.replace(/^\uFEFF/, ""), {
      schema: "failsafe",
      version: "1.1",
      uniqueKeys: false,
      prettyErrors: false,
      strict: true,
      logLevel: "silent",
      lineCounter: lines,
    });
    const document = Array.isArray(documents) ? documents[0] : undefined;
    if (document === undefined) return { node: nullAt(start), findings: [] };
    const problem = document.errors[0];
    if (problem) {
      const message = `not valid YAML: ${SYNTAX[problem.code] ?? "the text can't be read here"}`;
      return { node: undefined, findings: [error([], placeOf(origin, lines, problem.pos[0]), message)] };
    }
    const reader = new Reader(document, (offset) => placeOf(origin, lines, offset));
    return { node: reader.read(document.contents, [], 0), findings: reader.findings };
  } catch (cause) {
    if (cause instanceof Refused) return { node: undefined, findings: [cause.finding] };
    if (cause instanceof RangeError) {
      return { node: undefined, findings: [error([], start, "not valid YAML: nested too deeply")] };
    }
    throw cause;
  }
}

const UNKNOWN_ALIAS = "a value that begins with * is an alias, and this one has no anchor; put the value in quotes";

/** The messages of the YAML library quote the text, so these say it in their place. */
const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) can't have a tag or an anchor",
  BAD_ALIAS: UNKNOWN_ALIAS,
  BAD_DIRECTIVE: "a line that begins with % is a directive, and this one is unknown; put the value in quotes",
  BAD_DQ_ESCAPE: 'a "…" text has an unknown escape after a backslash; use single quotes',
  BAD_INDENT: "the indentation doesn't fit the lines above, or a brace or bracket there isn't closed",
  BAD_PROP_ORDER: "tags and anchors must stand before the value",
  BAD_SCALAR_START: "a value can't begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a nested map can't begin on the same line as its key",
  BLOCK_IN_FLOW: "an indented map or list can't stand inside { } or [ ]",
  DUPLICATE_KEY: "the key stands twice",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a closing quote, bracket, brace, or a colon after a key is missing",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line, with a colon and a space after it",
  MULTIPLE_ANCHORS: "a value has two anchors",
  MULTIPLE_DOCS: "there is more than one document",
  MULTIPLE_TAGS: "a value has two tags",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "indentation is done with spaces, and here is a tab",
  TAG_RESOLVE_FAILED: "this tag is unknown",
  UNEXPECTED_TOKEN: "this doesn't fit here; a value with special characters needs quotes",
};

class Refused extends Error {
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(finding.message);
    this.finding = finding;
  }
}

class Reader {
  readonly findings: Finding[] = [];
  readonly #document: Document;
  readonly #place: (offset: number) => Source;
  readonly #open = new Set<unknown>();
  #count = 0;

  constructor(document: Document, place: (offset: number) => Source) {
    this.#document = document;
    this.#place = place;
  }

  read(node: unknown, path: Path, fallback: number): Node {
    const offset = offsetOf(node) ?? fallback;
    const source = this.#place(offset);
    if (++this.#count > MOST_NODES)
      throw new Refused(error([], source, `more than ${MOST_NODES} values, aliases followed`));
    if (path.length > MOST_DEPTH) throw new Refused(error([], source, `nested more than ${MOST_DEPTH} levels deep`));
    if (isAlias(node)) return this.#alias(node, path, offset);
    if (isScalar(node)) return this.#scalar(node, path, source);
    if (isMap(node)) return this.#map(node, path, source, offset);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.read(item, [...path, index], offset));
      return { kind: "list", items, source };
    }
    return nullAt(source);
  }

  #alias(alias: Alias, path: Path, offset: number): Node {
    const target = alias.resolve(this.#document);
    if (target === undefined) throw new Refused(error(path, this.#place(offset), `not valid YAML: ${UNKNOWN_ALIAS}`));
    if (this.#open.has(target)) {
      throw new Refused(error(path, this.#place(offset), "not valid YAML: an alias that contains itself"));
    }
    this.#open.add(target);
    const node = this.read(target, path, offset);
    this.#open.delete(target);
    return node;
  }

  #scalar(node: { value: unknown; type?: string; tag?: string }, path: Path, source: Source): Node {
    const text = typeof node.value === "string" ? node.value : "";
    const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" || node.type?.startsWith("BLOCK_");
    const tag = /^tag:yaml\.org,2002:(\w+)$/.exec(node.tag ?? "")?.[1];
    if (node.tag !== undefined && node.tag !== "!" && !/^(str|int|bool|float|null)$/.test(tag ?? "")) {
      throw new Refused(error(path, source, "this YAML tag is not supported; write the value without it"));
    }
    const plain = tag === undefined || tag === "str" ? !quoted && tag === undefined && node.tag === undefined : true;
    return { kind: "scalar", text, value: plain ? resolveScalar(text) : text, source };
  }

  #map(
    node: { items: readonly { key: unknown; value: unknown }[] },
    path: Path,
    source: Source,
    offset: number,
  ): MapNode {
    const map = emptyMap(source);
    const own = new Set<string>();
    const merged: unknown[] = [];
    for (const { key, value } of node.items) {
      const keySource = this.#place(offsetOf(key) ?? offset);
      const name = this.read(key, path, offset);
      if (name.kind !== "scalar") throw new Refused(error(path, keySource, "a map or list can't be a key"));
      if (name.text === "<<" && isScalar(key) && key.type === "PLAIN") {
        merged.push(value);
        continue;
      }
      if (own.has(name.text)) {
        const message = "given more than once; the last one counts";
        this.findings.push(warning([...path, name.text], keySource, message));
      }
      own.add(name.text);
      setEntry(map, name.text, this.read(value, [...path, name.text], offsetOf(key) ?? offset), keySource);
    }
    for (const value of merged) this.#merge(map, own, this.read(value, path, offset));
    return map;
  }

  /** YAML 1.1 merge key: what stands in the map itself wins, then the earlier of the merged maps. */
  #merge(map: MapNode, own: ReadonlySet<string>, from: Node): void {
    const maps = from.kind === "list" ? [...from.items].reverse() : [from];
    for (const each of maps) {
      if (isNull(each)) continue;
      if (each.kind !== "map") throw new Refused(error([], each.source, "<< takes a map or a list of maps"));
      for (const [key, value] of each.entries) if (!own.has(key)) setEntry(map, key, value, each.keys.get(key));
    }
  }
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) return undefined;
  const first: unknown = node.range[0];
  return typeof first === "number" ? first : undefined;
}

function placeOf(origin: TextOrigin, lines: LineCounter, offset: number): Source {
  if ("variable" in origin) return { origin: "environment", variable: origin.variable };
  const { line, col } = lines.linePos(offset);
  return { origin: "file", file: origin.file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

function nullAt(source: Source): Node {
  return { kind: "scalar", text: "", value: null, source };
}
