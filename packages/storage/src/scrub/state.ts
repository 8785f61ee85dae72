import { MIB } from "@longshore/base/size";
import type { StorageDriver } from "../contract/driver.js";
import { SCRUB_STATE } from "../layout/upkeep-files.js";
import { isRecord } from "./record.js";
import { orUndefined } from "../store/shared/links.js";
import type { Finding, FindingKind, ScrubResult } from "./options.js";

/** Where a scrub is: everything up to here is done. */
export interface Position {
  readonly phase: "blobs" | "repositories";
  /** The bucket of blobs (`sha256/ab`), or the repository, that was done last; empty at the beginning. */
  readonly after: string;
}

/** What is counted. */
export type Counts = Record<(typeof COUNTED)[number], number>;

export interface ScrubState {
  readonly position: Position;
  readonly counts: Counts;
  readonly findings: readonly Finding[];
}

const COUNTED = [
  "blobs",
  "bytes",
  "repositories",
  "manifests",
  "tags",
  "damaged",
  "quarantined",
  "repaired",
  "unlisted",
] as const satisfies readonly (keyof ScrubResult)[];

/** Findings that are kept; further ones are counted. */
export const MAX_FINDINGS = 1000;
const MAX_STATE_BYTES = 8 * MIB;

export const NOTHING: Counts = {
  blobs: 0,
  bytes: 0,
  repositories: 0,
  manifests: 0,
  tags: 0,
  damaged: 0,
  quarantined: 0,
  repaired: 0,
  unlisted: 0,
};

/** The state that an interrupted scrub left; undefined if there is none, or it can't be read. */
export async function readState(driver: StorageDriver): Promise<ScrubState | undefined> {
  const bytes = await orUndefined(driver.read(SCRUB_STATE, { limit: MAX_STATE_BYTES }));
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value["version"] !== 1) return undefined;
  const { phase, after, counts, findings } = value;
  if ((phase !== "blobs" && phase !== "repositories") || typeof after !== "string") return undefined;
  if (!isRecord(counts) || !Array.isArray(findings)) return undefined;
  const known = { ...NOTHING };
  for (const key of COUNTED) {
    const count = counts[key];
    if (typeof count === "number" && Number.isSafeInteger(count) && count >= 0) known[key] = count;
  }
  const listed: readonly unknown[] = findings;
  return { position: { phase, after }, counts: known, findings: listed.filter(isFinding) };
}

export async function writeState(driver: StorageDriver, { position, counts, findings }: ScrubState): Promise<void> {
  const value = { version: 1, ...position, counts, findings };
  await driver.write(SCRUB_STATE, new TextEncoder().encode(JSON.stringify(value)));
}

export async function forgetState(driver: StorageDriver): Promise<void> {
  await orUndefined(driver.delete(SCRUB_STATE, { fileOnly: true }));
}

const KINDS: ReadonlySet<unknown> = new Set<FindingKind>([
  "blob-damaged",
  "blob-unreadable",
  "layer-link",
  "layer-link-dangling",
  "manifest-link",
  "manifest-missing",
  "manifest-incomplete",
  "tag-link",
  "tag-dangling",
  "tag-leftover",
  "referrer-missing",
  "referrer-stale",
  "name-invalid",
  "check",
]);

/** Names and digests in it are only shown. */
function isFinding(value: unknown): value is Finding {
  return (
    isRecord(value) &&
    KINDS.has(value["kind"]) &&
    typeof value["damage"] === "boolean" &&
    typeof value["message"] === "string"
  );
}
