import { createCircuit } from "@longshore/base/circuit";
import type { SecureContext } from "node:tls";
import { HeadBucketCommand } from "@aws-sdk/client-s3";
import type { CallOptions, Redirecting, StorageDriver } from "../../contract/driver.js";
import type { ObjectKeys, ObjectStorage } from "../../contract/object-storage.js";
import { createCalls, type CallReport } from "../objects/calls.js";
import { createObjectDriver } from "../objects/driver.js";
import { isFault, ServiceFault } from "../objects/faults.js";
import { createKeys } from "../objects/keys.js";
import { createPartBuffers } from "../objects/part-buffers.js";
import { createPartSender } from "../objects/part-sender.js";
import { LARGEST_WRITE, LEAST_PART } from "../objects/parts.js";
import { createGate } from "../shared/gate.js";
import { createClient } from "./client.js";
import { composeObjects } from "./compose.js";
import type { S3Context } from "./context.js";
import { NAME, toFault } from "./faults.js";
import { getPiece, getWhole, headObject } from "./get.js";
import { firstKey, listDirectory } from "./list.js";
import { beginMultipart } from "./multipart.js";
import type { S3Options } from "./options.js";
import { putObject } from "./put.js";
import { presignedUrl } from "./redirect.js";
import { deleteBelow, deleteKeys } from "./remove.js";
import { abortUnfinishedUploads } from "./unfinished.js";
import { createVersionedWrites } from "./versioned.js";

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
  const translate = (error: unknown, operation: string): ServiceFault => toFault(error, operation, secrets);
  const client = createClient(options, trusted);
  const circuit = createCircuit({ threshold: options.circuitthreshold, pause: options.circuittime, now });
  const calls = createCalls({ ...options, driver: NAME, toFault: translate, report, random }, circuit);
  const keys = createKeys(options.rootdirectory);
  const context: S3Context = { client, calls, options, keys };
  const buffers = createPartBuffers(options.uploadbuffers, options.chunksize, {
    driver: NAME,
    limit: options.retrydeadline,
    now,
  });
  const copyGate = createGate(options.multipartcopymaxconcurrency);
  const versioned = createVersionedWrites(context);

  const checkBucket = async (call: CallOptions | undefined): Promise<void> => {
    const { bucket } = options;
    try {
      await calls.run({ operation: "HeadBucket", signal: call?.signal }, (abortSignal) =>
        client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal }),
      );
    } catch (error) {
      if (isFault(error, "not-found")) throw new ServiceFault("refused", error.status, `there is no bucket ${bucket}`);
      // Without permission to look at the bucket, the calls that need it will fail.
      if (!isFault(error, "access-denied")) throw error;
    }
  };

  const driver = createObjectDriver(
    {
      name: NAME,
      smallestPart: LEAST_PART,
      largestWrite: LARGEST_WRITE,
      largestShared: LARGEST_WRITE,
      patience: options.requesttimeout,
      head: (path, call) => headObject(context, path, call),
      whole: (path, limit, call) => getWhole(context, path, limit, call),
      piece: (path, piece, call) => getPiece(context, path, piece, call),
      retryLater: (state, fault, signal) => calls.retryLater(state, fault, signal),
      put: (path, bytes, call) => putObject(context, path, bytes, call),
      putVersioned: (path, bytes, expected, call) => versioned.write(path, bytes, expected, call),
      list: (directory, call) => listDirectory(context, directory, call),
      firstBelow: (directory, call) => firstKey(context, keys.below(directory), call),
      remove: (paths, call) => deleteKeys(context, paths.map(keys.of), call),
      removeBelow: (directory, call) => deleteBelow(context, directory, call),
      compose: (sources, to, call) => composeObjects(context, copyGate, sources, to, call),
      sender: (path) =>
        createPartSender({
          path,
          begin: (call) => beginMultipart(context, path, call),
          copyChunk: options.multipartcopychunksize,
          copyGate,
          buffers,
        }),
      redirectUrl: (path, request) => presignedUrl(context, path, request),
      abortUnfinished: (directory, olderThan, call) => abortUnfinishedUploads(context, directory, olderThan, call),
      checkBucket,
      toFault: translate,
      close: () => client.destroy(),
    },
    buffers,
  );
  return Object.assign(driver, { objectKey: keys.of, isRefusing: () => circuit.isOpen });
}
