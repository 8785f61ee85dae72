import { SECOND } from "@longshore/base/duration";
import type { CertificateRecords, PendingChallenge } from "./records.js";

/**
 * How long an answer of the storage is used (ms): anybody may ask for a challenge. Whoever publishes one waits for longer before it
 * tells the authority, so that no process still knows of none.
 */
export const REMEMBERED = SECOND;

/** What is pending for a host; undefined: nothing, or it is none of ours. Throws StorageError. */
export type ChallengeLookup = (host: string) => Promise<PendingChallenge | undefined>;

/** Finds challenges that any process of any replica has published, with one look in a second for each of `hosts`. */
export function createChallengeLookup(
  hosts: readonly string[],
  { readChallenge }: Pick<CertificateRecords, "readChallenge">,
): ChallengeLookup {
  const known = new Map<string, { readonly since: number; readonly found: ReturnType<ChallengeLookup> }>();
  return (host) => {
    if (!hosts.includes(host)) return Promise.resolve(undefined);
    const now = performance.now();
    const last = known.get(host);
    if (last !== undefined && now - last.since < REMEMBERED) return last.found;
    const found = readChallenge(host);
    known.set(host, { since: now, found });
    return found;
  };
}
