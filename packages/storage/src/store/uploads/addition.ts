import type { StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import type { UploadBody } from "../../contract/upload-store.js";
import type { Digester } from "../../model/digest.js";
import type { Session } from "./protocol.js";
import { receive } from "./receive.js";
import { carryOver, createSegmentWriter } from "./segment-writer.js";
import { sizeOf, type Segment, type UploadState } from "./state.js";
import type { Turn } from "./turns.js";

/** A running hash of the first `from` bytes of a session: all of them, or none. */
export interface Hashing {
  readonly digester: Digester;
  readonly from: number;
}

/** The segments of a session after a body was added. */
export interface Addition {
  readonly segments: readonly Segment[];
  /** Why the body broke off. The bytes that arrived before are in the segments. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** The last segment of `state`, if it is too small to be followed by another one (`ObjectStorage.smallestPart`). */
export function carriedSegment(driver: ObjectStorage, { segments }: UploadState): Segment | undefined {
  const last = segments.at(-1);
  return last !== undefined && last.size < driver.smallestPart ? last : undefined;
}

/**
 * Writes `body` to segments that follow those of `state`. If the last one is too small to be followed, it is carried over: its
 * bytes come first in the new segment, which replaces it. `hashing` is updated; it may start at 0 only if all bytes so far are
 * carried over. If the storage fails, nothing is kept, and its error is thrown.
 */
export async function addToSegments(
  driver: StorageDriver & ObjectStorage,
  session: Session,
  { state, body, hashing, turn }: AdditionRequest,
): Promise<Addition> {
  const size = sizeOf(state);
  const carried = carriedSegment(driver, state);
  const kept = carried === undefined ? state.segments : state.segments.slice(0, -1);
  const writer = createSegmentWriter(driver, session);
  let begun = false;
  let writeFailure: { readonly error: unknown } | undefined;

  /** Only once there is something to add: most bodies that end a session are empty. */
  const begin = async (): Promise<void> => {
    begun = true;
    if (carried === undefined) return;
    const digester = hashing?.from === size ? undefined : hashing?.digester;
    await carryOver(driver, session, carried, { writer, digester }, { signal: turn.signal });
  };

  const write = async (chunk: Uint8Array): Promise<void> => {
    if (chunk.length === 0) return;
    try {
      if (!begun) await begin();
      // Hashed while it is being sent.
      const written = writer.write(chunk);
      hashing?.digester.update(chunk);
      await written;
    } catch (error) {
      writeFailure = { error };
      throw error;
    }
  };

  turn.measure(() => Math.max(size, sizeOf({ segments: kept }) + writer.size));
  let failure: { readonly error: unknown } | undefined;
  try {
    await receive(session.uuid, body, { write }, undefined, turn.signal);
  } catch (error) {
    failure = { error };
  }
  try {
    if (writeFailure !== undefined) throw writeFailure.error;
    // Without the request's signal: what arrived is kept even if the client has disconnected.
    const added = await writer.finish();
    return { segments: added.length === 0 ? state.segments : [...kept, ...added], failure };
  } catch (error) {
    await writer.cancel();
    throw error;
  }
}

/** A body, and the state that it is added to. */
export interface AdditionRequest {
  readonly state: UploadState;
  readonly body: UploadBody;
  readonly hashing: Hashing | undefined;
  readonly turn: Turn;
}
