import type { MatchEntry, RuleEntry, RuleResource, RuleSubject, SimpleEntry } from "../../src/rules/rules.js";

/**
 * A second evaluator for the property tests, written from the grammar's description and as unlike the first as possible:
 * patterns become JavaScript regular expressions, names are compared by what they may be instead of by rewriting, nothing is
 * compiled in advance. It is slow and vulnerable to hostile patterns, which the tests don't generate.
 */

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** The pattern with its placeholders replaced, in pieces that are either patterns or literals. */
type Piece = { pattern: string } | { literal: string } | { missing: true };

function globSource(pattern: string): string {
  return pattern.replace(
    /\*+|\?|\[(\^?)([^\]]+)\]|[^*?[]/gu,
    (piece, negated: string | undefined, set: string | undefined) => {
      if (piece.startsWith("*")) return "[^/]*";
      if (piece === "?") return "[^/]";
      if (set !== undefined) return `[${negated ?? ""}${set}]`;
      return escapeRegExp(piece);
    },
  );
}

function holds(
  source: string,
  text: string,
  entry: MatchEntry,
  subject: RuleSubject,
  resource: RuleResource,
  labels: Record<string, string>,
): boolean {
  const isRegex = source.length > 2 && source.startsWith("/") && source.endsWith("/");
  const inner = isRegex ? source.slice(1, -1) : source;
  const values: Record<string, string> = {
    account: subject.account,
    type: resource.type,
    name: resource.name,
    service: subject.service,
  };
  const pieces: Piece[] = inner.split(/(\$\{[a-z]+(?::\w+)?\})/).map((part) => {
    const [, field, argument] = /^\$\{([a-z]+)(?::(\w+))?\}$/.exec(part) ?? [];
    if (field === undefined) return { pattern: part };
    if (field === "labels") {
      const value = labels[argument ?? ""];
      return value === undefined ? { missing: true } : { literal: value };
    }
    if (argument === undefined) return { literal: values[field] ?? "" };
    const own = { ...entry.match }[field as "account" | "name"];
    if (own?.startsWith("/") !== true || own.includes("${")) return { missing: true };
    const groups = new RegExp(own.slice(1, -1), "u").exec(values[field] ?? "");
    const group = groups?.[Number(argument)];
    return group === undefined || argument === "0" ? { missing: true } : { literal: group };
  });
  if (pieces.some((piece) => "missing" in piece)) return false;
  const body = pieces
    .map((piece) =>
      "literal" in piece
        ? escapeRegExp(piece.literal)
        : "pattern" in piece
          ? isRegex
            ? piece.pattern
            : globSource(piece.pattern)
          : "",
    )
    .join("");
  return new RegExp(isRegex ? body : `^(?:${body})$`, "u").test(text);
}

function choices(labels: ReadonlyMap<string, readonly string[]>): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [key, values] of labels)
    all = all.flatMap((one) => [one, ...values.map((value) => ({ ...one, [key]: value }))]);
  return all;
}

function inBlock(block: string, address: string | undefined): boolean {
  const bits = (text: string): string =>
    text
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  const [base = "", size = "32"] = block.split("/");
  return address !== undefined && bits(address).startsWith(bits(base).slice(0, Number(size)));
}

function applies(entry: MatchEntry, subject: RuleSubject, resource: RuleResource): boolean {
  const { match } = entry;
  const texts = { account: subject.account, type: resource.type, name: resource.name, service: subject.service };
  for (const [key, text] of Object.entries(texts)) {
    const source = match[key as keyof typeof texts];
    if (
      source !== undefined &&
      !choices(subject.labels).some((labels) => holds(source, text, entry, subject, resource, labels))
    )
      return false;
  }
  if (match.ip !== undefined && !inBlock(match.ip, subject.ip)) return false;
  return Object.entries(match.labels ?? {}).every(([key, source]) =>
    (subject.labels.get(key) ?? []).some((value) => holds(source, value, entry, subject, resource, {})),
  );
}

/** What an entry in the simple form grants on the resource; undefined: nothing. */
function simpleAnswer(entry: SimpleEntry, subject: RuleSubject, resource: RuleResource): readonly string[] | undefined {
  const isNobody = subject.account === "";
  if (entry.name === "anonymous" ? !isNobody : isNobody) return undefined;
  const who: MatchEntry = { match: entry.name === "anonymous" ? {} : { account: entry.name }, actions: [] };
  if (!applies(who, subject, resource)) return undefined;
  const everything = entry.action.includes("*");
  if (resource.type === "repository") {
    if (
      entry.repository !== undefined &&
      !applies({ match: { name: entry.repository }, actions: [] }, subject, resource)
    )
      return undefined;
    return everything
      ? resource.actions
      : resource.actions.filter((action) => entry.action.some((one) => one === action));
  }
  if (entry.type !== "registry" || resource.type !== "registry" || resource.name !== "catalog") return undefined;
  return everything || entry.action.includes("pull") ? resource.actions : [];
}

/** What `entries` grant, sorted and without duplicates. */
export function reference(
  entries: readonly RuleEntry[],
  subject: RuleSubject,
  resource: RuleResource,
): readonly string[] {
  const opens = (entry: RuleEntry): boolean =>
    "match" in entry
      ? entry.match.account === "" && entry.actions.length > 0
      : entry.name === "anonymous" && entry.action.length > 0;
  if (subject.account === "" && !entries.some(opens)) return [];
  const own = firstAnswer(entries, subject, resource);
  const nobody = reachesAnonymous(entries)
    ? firstAnswer(entries, { ...subject, account: "", labels: new Map() }, resource)
    : undefined;
  const isShared = nobody !== undefined && !("match" in nobody.entry) && nobody.entry.name === "anonymous";
  const isOpen =
    isShared &&
    (own === undefined || !("match" in own.entry) || entries.indexOf(own.entry) > entries.indexOf(nobody.entry));
  return [...new Set([...(own?.actions ?? []), ...(isOpen ? nobody.actions : [])])].sort();
}

/** Whether the simple form grants anything to anonymous users. */
function reachesAnonymous(entries: readonly RuleEntry[]): boolean {
  return entries.some((entry) => !("match" in entry) && entry.name === "anonymous" && entry.action.length > 0);
}

function firstAnswer(
  entries: readonly RuleEntry[],
  subject: RuleSubject,
  resource: RuleResource,
): { readonly entry: RuleEntry; readonly actions: readonly string[] } | undefined {
  for (const entry of entries) {
    const actions = "match" in entry ? matchAnswer(entry, subject, resource) : simpleAnswer(entry, subject, resource);
    if (actions !== undefined) return { entry, actions };
  }
  return undefined;
}

function matchAnswer(entry: MatchEntry, subject: RuleSubject, resource: RuleResource): readonly string[] | undefined {
  if (!applies(entry, subject, resource)) return undefined;
  if (entry.actions.length === 1 && entry.actions[0] === "*") return resource.actions;
  return resource.actions.filter((action) => entry.actions.includes(action));
}
