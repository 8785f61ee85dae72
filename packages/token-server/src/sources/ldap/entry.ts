import type { Entry } from "ldapts";
import type { DirectoryConnection } from "./connection.js";
import { fillFilter } from "./filter.js";

/** The text values of an attribute, whose name is compared without regard to case (RFC 4512 §2.5). */
export function valuesOf(entry: Entry, attribute: string): string[] {
  const wanted = attribute.toLowerCase();
  return Object.entries(entry).flatMap(([name, value]) =>
    name !== "dn" && name.toLowerCase() === wanted ? textsOf(value) : [],
  );
}

function textsOf(value: Entry[string]): string[] {
  return [value].flat().filter((each) => typeof each === "string");
}

const ANY = fillFilter("(objectClass=*)", {});

/** Active Directory gives out a long list of values in parts: `memberOf;range=0-1499`, and a last one that ends with `*`. */
const RANGE = /^(?<attribute>[^;]+);range=\d+-(?<last>\d+|\*)$/i;

/** The parts that a list of values may have: 64 times 1500. */
const MAX_PARTS = 64;

interface Part {
  readonly values: readonly string[];
  /** The place of the last value; undefined if there are no more. */
  readonly last: number | undefined;
}

function partOf(entry: Entry, attribute: string): Part {
  for (const [name, value] of Object.entries(entry)) {
    const groups = RANGE.exec(name)?.groups;
    if (groups?.["attribute"]?.toLowerCase() !== attribute.toLowerCase()) continue;
    const { last } = groups;
    return { values: textsOf(value), last: last === undefined || last === "*" ? undefined : Number(last) };
  }
  return { values: valuesOf(entry, attribute), last: undefined };
}

/** All values of an attribute of `entry`: what the server left out is asked for. */
export async function allValuesOf(
  entry: Entry,
  attribute: string,
  connection: DirectoryConnection,
  signal: AbortSignal,
): Promise<string[]> {
  let part = partOf(entry, attribute);
  const values = [...part.values];
  for (let count = 1; part.last !== undefined && count < MAX_PARTS; count += 1) {
    const [next] = await connection.search(
      { base: entry.dn, scope: "base", filter: ANY, attributes: [`${attribute};range=${part.last + 1}-*`], limit: 1 },
      signal,
    );
    if (next === undefined) break;
    part = partOf(next, attribute);
    values.push(...part.values);
  }
  return values;
}

/** The entry with exactly this DN; undefined if there is none that may be read. */
export async function readEntry(
  dn: string,
  attributes: readonly string[],
  connection: DirectoryConnection,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const [entry] = await connection.search({ base: dn, scope: "base", filter: ANY, attributes, limit: 1 }, signal);
  return entry;
}
