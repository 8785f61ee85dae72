import { createCircuit } from "@longshore/base/circuit";
import type { SecureContext } from "node:tls";
import { HeadBucketCommand } from "@aws-sdk/client-s3";
import type { CallOptions, FileInfo, Redirecting, StorageDriver } from "../../contract/driver.js";
import type { ObjectKeys, ObjectStorage } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { pathNotFound } from "../shared/errors.js";
import { createGate } from "../shared/gate.js";
import { READ_LIMIT } from "../shared/limits.js";
import { checkPath } from "../shared/path.js";
import { createCalls, type CallReport } from "./calls.js";
import { createClient } from "./client.js";
import { composeObjects } from "./compose.js";
import type { S3Context } from "./context.js";
import { isFault, NAME, S3Fault, toFault, toStorageError } from "./faults.js";
import { getWhole, headObject } from "./get.js";
import { createKeys } from "./keys.js";
import { firstKey, listDirectory } from "./list.js";
import { openObject } from "./open.js";
import type { S3Options } from "./options.js";
import { createPartBuffers } from "./part-buffers.js";
import { createPartSender } from "./part-sender.js";
import { LARGEST_WRITE, LEAST_PART } from "./parts.js";
import { putObject } from "./put.js";
import { presignedUrl } from "./redirect.js";
import { deleteKey, deleteKeys, deleteTree } from "./remove.js";
import { abortUnfinishedUploads } from "./unfinished.js";
import { createVersionedWrites } from "./versioned.js";
import { createObjectWriter } from "./writer.js";

/** What {@link createS3Driver} needs besides its options. */
export interface S3Surroundings {
  /** Called at the end of each request. */
  readonly report?: ((report: CallReport) => void) | undefined;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Certificate authorities that TLS connections trust; Node's own by default. */
  readonly trusted?: SecureContext | undefined;
}

/** A bucket of Amazon S3 or a compatible service. Sends no request before the first call. */
export function createS3Driver(
  options: S3Options,
  { report, now = () => performance.now(), random = Math.random, trusted }: S3Surroundings = {},
): StorageDriver & Redirecting & ObjectStorage & ObjectKeys {
  const { credentials } = options;
  const secrets = credentials === undefined ? [] : [credentials.secretKey, credentials.sessionToken ?? ""];
  const client = createClient(options, trusted);
  const circuit = createCircuit({ threshold: options.circuitthreshold, pause: options.circuittime, now });
  const calls = createCalls({ ...options, secrets, report, random }, circuit);
  const context: S3Context = { client, calls, options, keys: createKeys(options.rootdirectory) };
  const buffers = createPartBuffers(options.uploadbuffers, options.chunksize, { limit: options.retrydeadline, now });
  const copyGate = createGate(options.multipartcopymaxconcurrency);
  const versioned = createVersionedWrites(context);
  let bucketSeen = false;

  /** Executes a driver call: checks the path, and translates errors into those of the contract. */
  const act = async <T>(
    operation: string,
    path: string,
    call: CallOptions | undefined,
    action: () => Promise<T>,
    allowed: "root" | "no-root" = "no-root",
  ): Promise<T> => {
    checkPath(NAME, path, allowed);
    call?.signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      call?.signal?.throwIfAborted();
      // Other errors come from the SDK before it sends a request, for example if it finds no credentials.
      const known = isStorageError(error) || error instanceof S3Fault;
      throw toStorageError(known ? error : toFault(error, operation, secrets), operation, path);
    }
  };

  /** HEAD doesn't distinguish a missing object from a missing bucket: until the bucket was seen, another request checks it. */
  const head = async (path: string, call: CallOptions | undefined) => {
    try {
      const info = await headObject(context, path, call);
      bucketSeen = true;
      return info;
    } catch (error) {
      if (isFault(error, "not-found") && !bucketSeen) await checkBucket(call);
      throw error;
    }
  };

  const checkBucket = async (call: CallOptions | undefined): Promise<void> => {
    const { bucket } = options;
    try {
      await calls.run({ operation: "HeadBucket", signal: call?.signal }, (abortSignal) =>
        client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal }),
      );
    } catch (error) {
      if (isFault(error, "not-found")) throw new S3Fault("refused", error.status, `there is no bucket ${bucket}`);
      // Without permission to look at the bucket, the calls that need it will fail.
      if (!isFault(error, "access-denied")) throw error;
    }
    bucketSeen = true;
  };

  const statFile = async (path: string, call: CallOptions | undefined): Promise<FileInfo> => {
    const { size, modified, etag } = await head(path, call);
    return { path, size, modified, isDirectory: false, version: etag === "" ? undefined : etag };
  };

  const statAny = async (path: string, call: CallOptions | undefined): Promise<FileInfo> => {
    if (path !== "/") {
      try {
        return await statFile(path, call);
      } catch (error) {
        if (!isFault(error, "not-found")) throw error;
      }
    }
    const first = await firstKey(context, context.keys.below(path), call);
    if (first === undefined && path !== "/") throw pathNotFound(NAME, path);
    return { path, size: 0, modified: first?.modified ?? new Date(0), isDirectory: true };
  };

  const move = async (from: string, to: string, call: CallOptions | undefined): Promise<void> => {
    const { size } = await head(from, call);
    if (from === to) return;
    await composeObjects(context, copyGate, [{ path: from, size }], to, call);
    await deleteKey(context, context.keys.of(from), call);
  };

  const openWriter = async (path: string, append: boolean, call: CallOptions | undefined) => {
    const base = append ? (await head(path, call)).size : undefined;
    return createObjectWriter({
      base,
      buffers,
      sender: createPartSender(context, buffers, copyGate, path),
      readBase: async () => (await getWhole(context, path, LEAST_PART, undefined)).bytes,
      putWhole: (bytes) => putObject(context, path, bytes, undefined),
      fail: (operation, cause) => toStorageError(cause, operation, path),
    });
  };

  const checkAll = (paths: readonly string[]): void => {
    for (const path of paths) checkPath(NAME, path);
  };

  return {
    name: NAME,
    read: (path, call) =>
      act("read", path, call, async () => (await getWhole(context, path, call?.limit ?? READ_LIMIT, call)).bytes),
    write: (path, bytes, call) => act("write", path, call, () => putObject(context, path, bytes, call)),
    stat: (path, call) =>
      act("stat", path, call, () => (call?.fileOnly === true ? statFile(path, call) : statAny(path, call)), "root"),
    open: (path, call) => act("read", path, call, () => openObject(context, path, call)),
    writer: (path, call) => act("writer", path, call, () => openWriter(path, call?.append === true, call)),
    list: (path, call) =>
      act(
        "list",
        path,
        call,
        async () => {
          const page = await listDirectory(context, path, call);
          if (page === undefined) throw pathNotFound(NAME, path);
          return page;
        },
        "root",
      ),
    move: async (from, to, call) => {
      checkPath(NAME, to);
      await act("move", from, call, () => move(from, to, call));
    },
    delete: (path, call) =>
      act("delete", path, call, async () => {
        if (call?.fileOnly === true) return deleteKey(context, context.keys.of(path), call);
        if (!(await deleteTree(context, path, call))) throw pathNotFound(NAME, path);
      }),
    redirectUrl: (path, request, call) => act("redirectUrl", path, call, () => presignedUrl(context, path, request)),
    objectKey: (path) => context.keys.of(path),

    smallestPart: LEAST_PART,
    largestWrite: LARGEST_WRITE,
    compose: (sources, to, call) =>
      act("compose", to, call, () => {
        checkAll(sources.map(({ path }) => path));
        return composeObjects(context, copyGate, sources, to, call);
      }),
    readVersioned: (path, call) =>
      act("read", path, call, async () => {
        const { bytes, etag } = await getWhole(context, path, call?.limit ?? READ_LIMIT, call);
        return { bytes, version: etag };
      }),
    writeVersioned: (path, bytes, expected, call) =>
      act("write", path, call, () => versioned.write(path, bytes, expected, call)),
    deleteFiles: (paths, call) =>
      act(
        "delete",
        paths[0] ?? "/",
        call,
        () => {
          checkAll(paths);
          return deleteKeys(
            context,
            paths.map((path) => context.keys.of(path)),
            call,
          );
        },
        "root",
      ),
    abortUnfinished: (directory, olderThan, call) =>
      act(
        "abortUnfinished",
        directory,
        call,
        async () => ({ aborted: await abortUnfinishedUploads(context, directory, olderThan, call) }),
        "root",
      ),

    close: () => {
      client.destroy();
      return Promise.resolve();
    },
  };
}
