import { isRepositoryName, parseDigest, isDigest, type Digest, type RepositoryName } from "@longshore/storage";
import { z } from "zod";
import type { ContentKind } from "../contract.js";

/** Some cached content, and when a client last asked for it. */
export interface Entry {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly kind: ContentKind;
  /** ms since 1970. */
  readonly lastUse: number;
}

/** Entries by their keys, `<repository>@<digest>`. */
export type Entries = ReadonlyMap<string, Entry>;

/** Distribution's forms of a kind in its state file (wire contract §7). */
const TYPES: Readonly<Record<ContentKind, number>> = { blob: 0, manifest: 1 };

/** What a date in the file is where content never expires: Distribution, given the file back, keeps it as well. */
const NEVER = 20 * 365 * 24 * 3_600_000;

const document = z.record(
  z.string(),
  z.object({ ExpiryData: z.string(), EntryType: z.number(), LastUse: z.string().optional() }),
);

export function keyOf({ name, digest }: Pick<Entry, "name" | "digest">): string {
  return `${name}@${digest}`;
}

/**
 * Reads Distribution's `scheduler-state.json`. Entries that Distribution wrote have no last use: it follows from when they expire,
 * `ttl` ms (0: never) after they were fetched. With a shorter `ttl` than Distribution's that would be in the future: it is `now` (ms since
 * 1970) then. What isn't an entry is left out. Throws an Error where the text is no such file.
 */
export function parseEntries(text: string, ttl: number, now: number): Entries {
  const entries = new Map<string, Entry>();
  for (const [key, { ExpiryData, EntryType, LastUse }] of Object.entries(document.parse(JSON.parse(text)))) {
    const at = key.lastIndexOf("@");
    const name = key.slice(0, at);
    const digest = key.slice(at + 1);
    const lastUse = LastUse === undefined ? Math.min(Date.parse(ExpiryData) - lifetime(ttl), now) : Date.parse(LastUse);
    if (!isRepositoryName(name) || !isDigest(digest) || !Number.isFinite(lastUse)) continue;
    entries.set(key, {
      name,
      digest: parseDigest(digest),
      kind: EntryType === TYPES.manifest ? "manifest" : "blob",
      lastUse,
    });
  }
  return entries;
}

/** The file as Distribution reads it, too; it ignores `LastUse`. */
export function formatEntries(entries: Entries, ttl: number): string {
  const lines = [...entries].map(([key, { kind, lastUse }]) => [
    key,
    {
      Key: key,
      ExpiryData: new Date(lastUse + lifetime(ttl)).toISOString(),
      EntryType: TYPES[kind],
      LastUse: new Date(lastUse).toISOString(),
    },
  ]);
  return JSON.stringify(Object.fromEntries(lines));
}

function lifetime(ttl: number): number {
  return ttl === 0 ? NEVER : Math.min(ttl, NEVER);
}
