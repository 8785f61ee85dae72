import { createCircuit } from "@longshore/base/circuit";
import type { SecureContext } from "node:tls";
import type { CallOptions, Redirecting, StorageDriver } from "../../contract/driver.js";
import type { ObjectKeys, ObjectStorage } from "../../contract/object-storage.js";
import { createCalls, type CallReport, type Calls } from "../objects/calls.js";
import { createObjectDriver } from "../objects/driver.js";
import type { ServiceFault } from "../objects/faults.js";
import { createKeys } from "../objects/keys.js";
import { createPartBuffers } from "../objects/part-buffers.js";
import { createPartSender } from "../objects/part-sender.js";
import { LARGEST_PART, LARGEST_WRITE } from "../objects/parts.js";
import { createGate, type Gate } from "../shared/gate.js";
import { createClient, createConnections } from "./client.js";
import { composeObjects } from "./compose.js";
import type { GcsContext } from "./context.js";
import { createKeyCredential, type Credential } from "./credential.js";
import { NAME, toFault } from "./faults.js";
import { getPiece, getWhole, headObject } from "./get.js";
import type { ServiceKey } from "./key.js";
import { firstObject, listDirectory } from "./list.js";
import { beginMultipart } from "./multipart.js";
import type { GcsOptions } from "./options.js";
import { putObject, putVersioned } from "./put.js";
import { deleteBelow, deleteObjects } from "./remove.js";
import { createSigner } from "./signer.js";
import { abortUnfinishedWrites } from "./unfinished.js";

/** What {@link createGcsDriver} needs besides its options. */
export interface GcsSurroundings {
  /** Of a service account; without, the environment's credentials. */
  readonly key: ServiceKey | undefined;
  /** Called at the end of each request. */
  readonly report?: ((report: CallReport) => void) | undefined;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Certificate authorities that TLS connections trust; Node's own by default. */
  readonly trusted?: SecureContext | undefined;
  /** In place of Google's service that signs in the name of service accounts. */
  readonly iam?: string;
}

/** A joined object's pieces that are joined at the same time. */
const JOINED_AT_ONCE = 8;

/** A bucket of Google Cloud Storage. Sends no request before the first call. */
export async function createGcsDriver(
  options: GcsOptions,
  { key, report, now = () => performance.now(), random = Math.random, trusted, iam }: GcsSurroundings,
): Promise<StorageDriver & Redirecting & ObjectStorage & ObjectKeys> {
  const { requesttimeout, retrydeadline, maxattempts } = options;
  const secrets = key === undefined ? [] : [key.secret];
  const translate = (error: unknown, operation: string): ServiceFault => toFault(error, operation, secrets);
  const connections = createConnections(options, trusted);
  const credential: Credential =
    key === undefined
      ? (await import("./environment.js")).createEnvironmentCredential({
          connections,
          // Less than an attempt has, which is told the reason then, and followed by another one.
          patience: Math.ceil(requesttimeout / 2),
          iam,
        })
      : createKeyCredential(key, connections, requesttimeout);
  const client = createClient(options, credential, connections, secrets);
  const circuit = createCircuit({ threshold: options.circuitthreshold, pause: options.circuittime, now });
  const settings = { requesttimeout, retrydeadline, maxattempts, report, random };
  const calls = inTurn(
    createCalls({ ...settings, driver: NAME, toFault: translate }, circuit),
    createGate(options.maxconcurrency),
  );
  const keys = createKeys(options.rootdirectory);
  const context: GcsContext = { client, calls, keys, options };
  const signer = createSigner({ credential, options, now });
  const buffers = createPartBuffers(options.uploadbuffers, options.chunksize, {
    driver: NAME,
    limit: retrydeadline,
    now,
  });
  const copyGate = createGate(JOINED_AT_ONCE);

  const driver = createObjectDriver(
    {
      name: NAME,
      // The service joins objects of any size.
      smallestPart: 1,
      largestWrite: LARGEST_WRITE,
      largestShared: LARGEST_WRITE,
      patience: requesttimeout,
      head: (path, call) => headObject(context, path, call),
      whole: (path, limit, call) => getWhole(context, path, limit, call),
      piece: (path, piece, call) => getPiece(context, path, piece, call),
      retryLater: (state, fault, signal) => calls.retryLater(state, fault, signal),
      put: (path, bytes, call) => putObject(context, path, bytes, call),
      putVersioned: (path, bytes, expected, call) => putVersioned(context, path, bytes, expected, call),
      list: (directory, call) => listDirectory(context, directory, call),
      firstBelow: (directory, call) => firstObject(context, keys.below(directory), call),
      remove: (paths, call, version) =>
        deleteObjects(
          context,
          paths.map((path) => ({ name: keys.of(path), generation: version === "" ? undefined : version })),
          call,
        ),
      removeBelow: (directory, call) => deleteBelow(context, directory, call),
      compose: (sources, to, call) => composeObjects(context, copyGate, sources, to, call),
      sender: (path) =>
        createPartSender({
          path,
          begin: (call: CallOptions) => beginMultipart(context, path, call),
          copyChunk: LARGEST_PART,
          copyGate,
          buffers,
        }),
      redirectUrl: (path, { method }, call) => signer.addressOf(keys.of(path), method, call),
      abortUnfinished: (directory, olderThan, call) => abortUnfinishedWrites(context, directory, olderThan, call),
      // The answers to all calls tell whether the bucket exists.
      checkBucket: () => Promise.resolve(),
      toFault: translate,
      close: () => client.destroy(),
    },
    buffers,
  );
  return Object.assign(driver, { objectKey: keys.of, isRefusing: () => circuit.isOpen });
}

/** `calls`, as many at a time as `gate` admits; a stream that has begun doesn't count. Calls must not be made within others. */
function inTurn(calls: Calls, gate: Gate): Calls {
  return {
    async run(call, attempt) {
      if (!gate.tryEnter()) await gate.enter(call.signal);
      try {
        return await calls.run(call, attempt);
      } finally {
        gate.leave();
      }
    },
    retryLater: (state, fault, signal) => calls.retryLater(state, fault, signal),
  };
}
