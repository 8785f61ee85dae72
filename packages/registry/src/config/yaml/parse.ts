import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
} from "yaml";
import { error, type Finding, warning } from "../findings.js";
import { resolveScalar } from "./scalar.js";
import { emptyMap, isNull, type MapNode, type Node, setEntry, type Source } from "./tree.js";
import type { Path } from "@longshore/options/report";

/** A configuration has a few hundred values, but a few lines of aliases could expand to billions. */
const MOST_NODES = 20_000;
const MOST_DEPTH = 64;
const MOST_BYTES = 1024 * 1024;

export interface ParsedYaml {
  /** Undefined if the text isn't valid YAML. An empty text is null. */
  readonly node: Node | undefined;
  readonly findings: readonly Finding[];
}

/** The origin of YAML text: a file, whose lines are counted, or a variable. */
export type TextOrigin = { readonly file: string } | { readonly variable: string };

/**
 * Reads YAML as Distribution does (wire contract §3.1): with the types of version 1.1, aliases and merge keys; the last of
 * duplicate keys wins. Messages never quote the text, which may contain secrets.
 */
export function parseYaml(text: string, origin: TextOrigin): ParsedYaml {
  const lines = new LineCounter();
  const start = placeOf(origin, lines, 0);
  if (text.length > MOST_BYTES) {
    return {
      node: undefined,
      findings: [error([], start, `too large for a configuration: more than ${MOST_BYTES} bytes`)],
    };
  }
  try {
    const clean = text.replace(/^\uFEFF/, "");
    const documents = parseAllDocuments(clean, {
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
      const message = `not valid YAML: ${SYNTAX[problem.code] ?? "syntax error"}`;
      return { node: undefined, findings: [error([], placeOf(origin, lines, problem.pos[0]), message)] };
    }
    const reader = new Reader(document, clean, (offset) => placeOf(origin, lines, offset));
    return { node: reader.read(document.contents, [], 0), findings: reader.findings };
  } catch (cause) {
    if (cause instanceof Refused) return { node: undefined, findings: [cause.finding] };
    if (cause instanceof RangeError) {
      return { node: undefined, findings: [error([], start, "not valid YAML: nested too deeply")] };
    }
    throw cause;
  }
}

const UNKNOWN_ALIAS =
  "a value that starts with * is an alias, and no anchor has this name; if it is meant literally, put it in quotes";

/** Used instead of the YAML library's messages, which quote the text. */
const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) can't have a tag or an anchor",
  BAD_ALIAS: UNKNOWN_ALIAS,
  BAD_DIRECTIVE:
    "a line that starts with % is a directive, and this one is unknown; if it is meant literally, put it in quotes",
  BAD_DQ_ESCAPE: 'a "…" text has an unknown escape after a backslash; use single quotes',
  BAD_INDENT: "the indentation doesn't match the lines above, or a brace or bracket isn't closed",
  BAD_PROP_ORDER: "tags and anchors must precede the value",
  BAD_SCALAR_START: "a value can't start with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a nested map can't start on the same line as its key",
  BLOCK_IN_FLOW: "an indented map or list isn't allowed inside { } or [ ]",
  DUPLICATE_KEY: "duplicate key",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "a closing quote, bracket, brace, or a colon after a key is missing",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line, followed by a colon and a space",
  MULTIPLE_ANCHORS: "a value has two anchors",
  MULTIPLE_DOCS: "there is more than one document",
  MULTIPLE_TAGS: "a value has two tags",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "found a tab in the indentation; use spaces",
  TAG_RESOLVE_FAILED: "this tag is unknown",
  UNEXPECTED_TOKEN: "unexpected here; a value with special characters needs quotes",
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
  readonly #text: string;
  readonly #place: (offset: number) => Source;
  readonly #open = new Set<unknown>();
  #count = 0;

  constructor(document: Document, text: string, place: (offset: number) => Source) {
    this.#document = document;
    this.#text = text;
    this.#place = place;
  }

  read(node: unknown, path: Path, fallback: number): Node {
    const offset = offsetOf(node) ?? fallback;
    const source = this.#place(offset);
    if (++this.#count > MOST_NODES)
      throw new Refused(error([], source, `more than ${MOST_NODES} values after expanding aliases`));
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

  #scalar(node: Scalar, path: Path, source: Source): Node {
    const text = typeof node.value === "string" ? node.value : "";
    const literal = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" || node.type?.startsWith("BLOCK_");
    const tag = /^tag:yaml\.org,2002:(\w+)$/.exec(node.tag ?? "")?.[1];
    if (node.tag !== undefined && node.tag !== "!" && !/^(str|int|bool|float|null)$/.test(tag ?? "")) {
      throw new Refused(error(path, source, "this YAML tag isn't supported; remove it"));
    }
    const plain = tag === undefined || tag === "str" ? !literal && tag === undefined && node.tag === undefined : true;
    const value = plain ? resolveScalar(text) : text;
    const quoted = literal === true || node.tag !== undefined;
    return { kind: "scalar", text, value, quoted, comment: quoted ? undefined : this.#commentAfter(node), source };
  }

  #commentAfter({ range }: Scalar): "word" | "other" | undefined {
    const end = range?.[1];
    if (end === undefined) return undefined;
    const rest = /^[ \t]*#(\S)?/.exec(this.#text.slice(end, end + 200));
    return rest === null ? undefined : rest[1] === undefined ? "other" : "word";
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
        const message = "given more than once; the last one is used";
        this.findings.push(warning([...path, name.text], keySource, message));
      }
      own.add(name.text);
      setEntry(map, name.text, this.read(value, [...path, name.text], offsetOf(key) ?? offset), keySource);
    }
    for (const value of merged) this.#merge(map, own, this.read(value, path, offset));
    return map;
  }

  /** YAML 1.1 merge key: the map's own keys win, then those of earlier merged maps. */
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
  return { kind: "scalar", text: "", value: null, quoted: false, source };
}
