import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { isStorageError, StorageError } from "../../errors.js";
import { uploadSegment, uploadStartedAt, uploadState } from "../../layout/paths.js";
import { allEnded } from "../shared/concurrent.js";
import { orUndefined } from "../shared/links.js";
import type { Session } from "./protocol.js";
import { formatStartedAt } from "./started.js";
import { formatUploadState, MAX_STATE_BYTES, parseUploadState, type Segment, type UploadState } from "./state.js";

/** A state that was read, with its version. */
export interface LoadedState {
  readonly state: UploadState;
  readonly version: string;
}

/** The `state` file of a session, and the files that it names. */
export interface StateFile {
  /** Writes the file of a new session. */
  create(state: UploadState, options?: CallOptions): Promise<void>;
  /** Throws UPLOAD_UNKNOWN. */
  load(options?: CallOptions): Promise<LoadedState>;
  /**
   * Replaces `before` by `after`, and removes the segments of `before` and `made` that `after` doesn't name. If another process
   * has replaced the state meanwhile, it removes all new segments instead and throws UPLOAD_TAKEN_OVER. Can't be aborted.
   */
  replace(before: LoadedState, after: UploadState, made?: readonly Segment[]): Promise<void>;
  /** Ends the session: removes all files that `state` names, and these segments. */
  remove(state: UploadState, segments?: readonly Segment[]): Promise<void>;
  /** Removes segments that no state names. */
  discard(segments: readonly Segment[]): Promise<void>;
}

export function stateFileOf(driver: StorageDriver & ObjectStorage, { name, uuid }: Session): StateFile {
  const path = uploadState(name, uuid);
  const pathsOf = (segments: readonly Segment[]): string[] => segments.map(({ id }) => uploadSegment(name, uuid, id));

  /** Files that can't be removed now are no longer part of the session, and are removed when it is purged. */
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
      await allEnded([
        driver.write(path, formatUploadState(state), options),
        // For Distribution's purging, which only looks for this file.
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
        // If the storage carried out the write but its response was lost, the retry is rejected.
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

/** The segments that aren't in `others`. */
function without(segments: readonly Segment[], others: readonly Segment[]): readonly Segment[] {
  const ids = new Set(others.map(({ id }) => id));
  return segments.filter(({ id }) => !ids.has(id));
}
