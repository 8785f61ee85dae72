import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { ObjectStorage } from "../contract/object-storage.js";
import { isStorageError, StorageError } from "../errors.js";
import { uploadSegment, uploadStartedAt, uploadState } from "../layout/paths.js";
import { orUndefined } from "./links.js";
import type { Session } from "./upload-protocol.js";
import { formatStartedAt } from "./upload-started.js";
import {
  formatUploadState,
  MAX_STATE_BYTES,
  parseUploadState,
  type Segment,
  type UploadState,
} from "./upload-state.js";

/** A state as it was read, and what tells whether it still is. */
export interface LoadedState {
  readonly state: UploadState;
  readonly version: string;
}

/** A session's `state` file, and the files that it names. */
export interface StateFile {
  /** Writes a new session's. */
  create(state: UploadState, options?: CallOptions): Promise<void>;
  /** Throws UPLOAD_UNKNOWN. */
  load(options?: CallOptions): Promise<LoadedState>;
  /**
   * Replaces `before` by `after`, if nobody else has replaced it, and removes the segments that only `before` has, with
   * those of `made` that came to nothing. Throws UPLOAD_TAKEN_OVER where somebody has, after all new ones are removed. Never
   * broken off half way.
   */
  replace(before: LoadedState, after: UploadState, made?: readonly Segment[]): Promise<void>;
  /** Ends the session, and removes all files that `state` tells of, and these segments. */
  remove(state: UploadState, segments?: readonly Segment[]): Promise<void>;
  /** Removes segments that no state names. */
  discard(segments: readonly Segment[]): Promise<void>;
}

export function stateFileOf(driver: StorageDriver & ObjectStorage, { name, uuid }: Session): StateFile {
  const path = uploadState(name, uuid);
  const pathsOf = (segments: readonly Segment[]): string[] => segments.map(({ id }) => uploadSegment(name, uuid, id));

  /** What can't be removed now is no part of the session any more, and is removed when it is purged. */
  const removeFiles = async (paths: readonly string[]): Promise<void> => {
    if (paths.length === 0) return;
    try {
      await driver.deleteFiles(paths);
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  };

  const parse = (bytes: Uint8Array): UploadState => {
    try {
      return parseUploadState(bytes);
    } catch (cause) {
      const operation = "reading an upload's state";
      throw new StorageError({ code: "DRIVER_ERROR", driver: driver.name, operation, path }, { cause });
    }
  };

  const read = async (options?: CallOptions): Promise<LoadedState | undefined> => {
    const found = await orUndefined(driver.readVersioned(path, { ...options, limit: MAX_STATE_BYTES }));
    return found && { state: parse(found.bytes), version: found.version };
  };

  return {
    create: async (state, options) => {
      await Promise.all([
        driver.write(path, formatUploadState(state), options),
        // For the original, whose purging looks for nothing else.
        driver.write(uploadStartedAt(name, uuid), formatStartedAt(state.startedAt), options),
      ]);
    },
    load: async (options) => {
      const found = await read(options);
      if (found === undefined) throw new StorageError({ code: "UPLOAD_UNKNOWN", uuid });
      return found;
    },
    replace: async (before, after, made = []) => {
      const fresh = without(after.segments, before.state.segments);
      const { written } = await driver.writeVersioned(path, formatUploadState(after), before.version);
      if (!written) {
        // A write that storage carried out and whose answer was lost is refused when it is tried again.
        const there = await read();
        if (there === undefined || without(fresh, there.state.segments).length > 0 || fresh.length === 0) {
          await removeFiles(pathsOf(without([...fresh, ...made], before.state.segments)));
          throw new StorageError({ code: "UPLOAD_TAKEN_OVER", uuid });
        }
      }
      await removeFiles(pathsOf(without([...before.state.segments, ...made], after.segments)));
    },
    remove: (state, segments = []) =>
      removeFiles([path, uploadStartedAt(name, uuid), ...pathsOf([...state.segments, ...segments])]),
    discard: (segments) => removeFiles(pathsOf(segments)),
  };
}

/** Those of `segments` that aren't among `others`. */
function without(segments: readonly Segment[], others: readonly Segment[]): readonly Segment[] {
  const ids = new Set(others.map(({ id }) => id));
  return segments.filter(({ id }) => !ids.has(id));
}
