import type { StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import type { UploadBody } from "../contract/upload-store.js";
import type { Digester } from "../model/digest.js";
import type { Session } from "./upload-protocol.js";
import { receive } from "./upload-receive.js";
import { carryOver, createSegmentWriter } from "./upload-segment-writer.js";
import { sizeOf, type Segment, type UploadState } from "./upload-state.js";
import type { Turn } from "./upload-turns.js";

/** A hash that has the first `from` bytes of a session: all of them, or none. */
export interface Hashing {
  readonly digester: Digester;
  readonly from: number;
}

/** What a body made of a session's segments. */
export interface Addition {
  readonly segments: readonly Segment[];
  /** What broke the body off. What had come by then is in the segments. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** The last segment of `state`, where it is too small for another to follow it (`ObjectStorage.smallestPart`). */
export function carriedSegment(driver: ObjectStorage, { segments }: UploadState): Segment | undefined {
  const last = segments.at(-1);
  return last !== undefined && last.size < driver.smallestPart ? last : undefined;
}

/**
 * Writes `body` to segments that follow those of `state`. A last one that is too small to be followed is carried: its bytes
 * come first in the new one, which takes its place. `hashing` goes along; one that has none of the bytes so far is for a
 * state whose bytes are all carried. Throws what the storage fails at, and keeps nothing then.
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
  let broken: { readonly error: unknown } | undefined;

  /** Not before there is something to add: most bodies that end a session are empty. */
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
      // Hashed while it is on its way.
      const written = writer.write(chunk);
      hashing?.digester.update(chunk);
      await written;
    } catch (error) {
      broken = { error };
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
    if (broken !== undefined) throw broken.error;
    // Without the request's signal: what came is kept although nobody waits for it.
    const added = await writer.finish();
    return { segments: added.length === 0 ? state.segments : [...kept, ...added], failure };
  } catch (error) {
    await writer.cancel();
    throw error;
  }
}

/** What is added to what. */
export interface AdditionRequest {
  readonly state: UploadState;
  readonly body: UploadBody;
  readonly hashing: Hashing | undefined;
  readonly turn: Turn;
}
