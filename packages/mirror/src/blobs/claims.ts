import { createHash } from "node:crypto";
import { isStorageError, type Digest, type RecordStore } from "@longshore/storage";
import { z } from "zod";
import { createLeases, tidyLeases, type Lease, type LeaseHolder } from "../leases/leases.js";
import type { Route } from "../routing.js";

const NOTE = z.object({
  /** The spool's file that is being written. */
  file: z.string(),
  /** Bytes of the whole blob, when the upstream has told. */
  size: z.number().optional(),
  /** The file of a dead process whose bytes this one begins with. */
  continues: z.string().optional(),
});

/** What a process says of the blob that it downloads for all others. */
export type ClaimNote = z.output<typeof NOTE>;

/** The right to download a blob. */
export type Claim = Lease<ClaimNote>;

/** Which process downloads which blob. Without an answer of the storage each process downloads for itself. */
export interface Claims {
  /** Undefined: another process has it. `onBeat` is called now and then while the claim is held. */
  take(route: Route, digest: Digest, note: ClaimNote, onBeat: () => void): Promise<Claim | undefined>;
  /** Which process has it; undefined: none. */
  look(route: Route, digest: Digest): Promise<LeaseHolder<ClaimNote> | undefined>;
}

/** The folder of the claims' records. */
const CLAIMS = "mirror/downloads";

/** A claim of which no other process knows: the storage took none. */
export const UNSHARED: Claim = { previous: undefined, tell: () => undefined, release: () => Promise.resolve() };

export function createClaims(records: RecordStore): Claims {
  const beats = new Map<string, () => void>();
  const leases = createLeases({ records, note: NOTE, onBeat: (name) => beats.get(name)?.() });
  return {
    async take(route, digest, note, onBeat) {
      const name = nameOf(route, digest);
      const lease = await leases.take(name, note).catch((error: unknown) => {
        if (isStorageError(error)) return UNSHARED;
        throw error;
      });
      if (lease === undefined || lease === UNSHARED) return lease;
      beats.set(name, onBeat);
      return {
        ...lease,
        release: () => {
          beats.delete(name);
          return lease.release();
        },
      };
    },
    look: (route, digest) =>
      leases.look(nameOf(route, digest)).catch((error: unknown) => {
        if (isStorageError(error)) return undefined;
        throw error;
      }),
  };
}

/** Removes the claims of processes that died long ago. */
export function tidyClaims(records: RecordStore): Promise<void> {
  return tidyLeases(records, CLAIMS);
}

function nameOf({ name }: Route, digest: Digest): string {
  return `${CLAIMS}/${createHash("sha256").update(`${name}@${digest}`).digest("hex")}`;
}
