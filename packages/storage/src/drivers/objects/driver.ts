import type { CallOptions, FileInfo, Redirecting, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { pathNotFound } from "../shared/errors.js";
import { READ_LIMIT } from "../shared/limits.js";
import { checkPath } from "../shared/path.js";
import { isFault, ServiceFault, toStorageError } from "./faults.js";
import { openObject } from "./open.js";
import type { PartBuffers } from "./part-buffers.js";
import { LEAST_PART } from "./parts.js";
import type { ObjectService } from "./service.js";
import { createObjectWriter } from "./writer.js";

/** A driver over the objects of `service`. Sends no request before the first call. `buffers`: the memory of all uploads. */
export function createObjectDriver(
  service: ObjectService,
  buffers: PartBuffers,
): StorageDriver & Redirecting & ObjectStorage {
  const { name } = service;
  let bucketSeen = false;

  /** Executes a driver call: checks the path, and translates errors into those of the contract. */
  const act = async <T>(
    operation: string,
    path: string,
    call: CallOptions | undefined,
    action: () => Promise<T>,
    allowed: "root" | "no-root" = "no-root",
  ): Promise<T> => {
    checkPath(name, path, allowed);
    call?.signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      call?.signal?.throwIfAborted();
      const known = isStorageError(error) || error instanceof ServiceFault;
      throw toStorageError(name, known ? error : service.toFault(error, operation), operation, path);
    }
  };

  /** HEAD doesn't distinguish a missing object from a missing bucket: until the bucket was seen, another request checks it. */
  const head = async (path: string, call: CallOptions | undefined) => {
    try {
      const info = await service.head(path, call);
      bucketSeen = true;
      return info;
    } catch (error) {
      if (isFault(error, "not-found") && !bucketSeen) {
        await service.checkBucket(call);
        bucketSeen = true;
      }
      throw error;
    }
  };

  const exists = async (path: string, call: CallOptions | undefined): Promise<boolean> => {
    try {
      await service.head(path, call);
      return true;
    } catch (error) {
      if (isFault(error, "not-found")) return false;
      throw error;
    }
  };

  const statFile = async (path: string, call: CallOptions | undefined): Promise<FileInfo> => {
    const { size, modified, version } = await head(path, call);
    return { path, size, modified, isDirectory: false, version: version === "" ? undefined : version };
  };

  const statAny = async (path: string, call: CallOptions | undefined): Promise<FileInfo> => {
    if (path !== "/") {
      try {
        return await statFile(path, call);
      } catch (error) {
        if (!isFault(error, "not-found")) throw error;
      }
    }
    const first = await service.firstBelow(path, call);
    if (first === undefined && path !== "/") throw pathNotFound(name, path);
    return { path, size: 0, modified: first?.modified ?? new Date(0), isDirectory: true };
  };

  const move = async (from: string, to: string, call: CallOptions | undefined): Promise<void> => {
    const { size, version } = await head(from, call);
    if (from === to) return;
    await service.compose([{ path: from, size }], to, call);
    // What was written there meanwhile stays.
    await service.remove([from], call, version);
  };

  const deleteTree = async (path: string, call: CallOptions | undefined): Promise<void> => {
    const isFile = await exists(path, call);
    if (isFile) await service.remove([path], call);
    if (!(await service.removeBelow(path, call)) && !isFile) throw pathNotFound(name, path);
  };

  const openWriter = async (path: string, append: boolean, call: CallOptions | undefined) => {
    const base = append ? (await head(path, call)).size : undefined;
    return createObjectWriter({
      driver: name,
      base,
      largest: service.largestWrite,
      buffers,
      sender: service.sender(path),
      readBase: async () => (await service.whole(path, LEAST_PART, undefined)).bytes,
      putWhole: (bytes) => service.put(path, bytes, undefined),
      fail: (operation, cause) => toStorageError(name, cause, operation, path),
    });
  };

  const checkAll = (paths: readonly string[]): void => {
    for (const path of paths) checkPath(name, path);
  };

  return {
    name,
    read: (path, call) =>
      act("read", path, call, async () => (await service.whole(path, call?.limit ?? READ_LIMIT, call)).bytes),
    write: (path, bytes, call) => act("write", path, call, () => service.put(path, bytes, call)),
    stat: (path, call) =>
      act("stat", path, call, () => (call?.fileOnly === true ? statFile(path, call) : statAny(path, call)), "root"),
    open: (path, call) => act("read", path, call, () => openObject(service, path, call)),
    writer: (path, call) => act("writer", path, call, () => openWriter(path, call?.append === true, call)),
    list: (path, call) =>
      act(
        "list",
        path,
        call,
        async () => {
          const page = await service.list(path, call);
          if (page === undefined) throw pathNotFound(name, path);
          return page;
        },
        "root",
      ),
    move: async (from, to, call) => {
      checkPath(name, to);
      await act("move", from, call, () => move(from, to, call));
    },
    delete: (path, call) =>
      act("delete", path, call, () =>
        call?.fileOnly === true ? service.remove([path], call) : deleteTree(path, call),
      ),
    redirectUrl: (path, request, call) =>
      act("redirectUrl", path, call, () => service.redirectUrl(path, request, call)),

    smallestPart: service.smallestPart,
    largestWrite: service.largestWrite,
    largestShared: service.largestShared,
    compose: (sources, to, call) =>
      act("compose", to, call, () => {
        checkAll(sources.map(({ path }) => path));
        return service.compose(sources, to, call);
      }),
    readVersioned: (path, call) => act("read", path, call, () => service.whole(path, call?.limit ?? READ_LIMIT, call)),
    writeVersioned: (path, bytes, expected, call) =>
      act("write", path, call, () => service.putVersioned(path, bytes, expected, call)),
    deleteFiles: (paths, call) =>
      act(
        "delete",
        paths[0] ?? "/",
        call,
        () => {
          checkAll(paths);
          return service.remove(paths, call);
        },
        "root",
      ),
    abortUnfinished: (directory, olderThan, call) =>
      act(
        "abortUnfinished",
        directory,
        call,
        async () => ({ aborted: await service.abortUnfinished(directory, olderThan, call) }),
        "root",
      ),

    close: () => {
      service.close();
      return Promise.resolve();
    },
  };
}
