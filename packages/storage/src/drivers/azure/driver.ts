import { createCircuit } from "@longshore/base/circuit";
import type { SecureContext } from "node:tls";
import type { CallOptions, Redirecting, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage } from "../../contract/object-storage.js";
import { createCalls, type CallReport } from "../objects/calls.js";
import { createObjectDriver } from "../objects/driver.js";
import type { ServiceFault } from "../objects/faults.js";
import { createPartBuffers } from "../objects/part-buffers.js";
import { createPartSender } from "../objects/part-sender.js";
import { LARGEST_WRITE, LEAST_PART } from "../objects/parts.js";
import { createGate } from "../shared/gate.js";
import { beginBlocks } from "./blocks.js";
import { createClient } from "./client.js";
import { createCompose } from "./compose.js";
import type { AzureContext } from "./context.js";
import type { Credential } from "./credential.js";
import { NAME, toFault } from "./faults.js";
import { getPiece, getWhole, headBlob } from "./get.js";
import { createLayout } from "./layout.js";
import { firstBlob, listDirectory } from "./list.js";
import type { AzureOptions } from "./options.js";
import { putBlob, putVersioned } from "./put.js";
import { deleteBelow, deleteBlobs } from "./remove.js";
import { createSigner } from "./signer.js";
import { abortUnfinishedBlobs } from "./unfinished.js";

/** What {@link createAzureDriver} needs besides its options. */
export interface AzureSurroundings {
  readonly credential: Credential;
  /** Called at the end of each request. */
  readonly report?: ((report: CallReport) => void) | undefined;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Certificate authorities that TLS connections trust; Node's own by default. */
  readonly trusted?: SecureContext | undefined;
}

/** A container of Azure Blob Storage. Sends no request before the first call. */
export function createAzureDriver(
  options: AzureOptions,
  { credential, report, now = () => performance.now(), random = Math.random, trusted }: AzureSurroundings,
): StorageDriver & Redirecting & ObjectStorage {
  const { login, requesttimeout, retrydeadline } = options;
  const secrets = login.by === "key" ? [login.key] : login.by === "client-secret" ? [login.secret] : [];
  const translate = (error: unknown, operation: string): ServiceFault => toFault(error, operation, secrets);
  const client = createClient(options, credential, trusted);
  const { service } = client;
  const circuit = createCircuit({ threshold: options.circuitthreshold, pause: options.circuittime, now });
  const { attempts: maxattempts, firstpause } = options;
  const settings = { requesttimeout, retrydeadline, maxattempts, firstpause, report, random };
  const calls = createCalls({ ...settings, driver: NAME, toFault: translate }, circuit);
  const container = service.getContainerClient(options.container);
  const signer = createSigner({ service, credential, options, calls });
  const layout = createLayout(options, async (prefix, call) => {
    return (await firstBlob({ calls, container }, prefix, call)) !== undefined;
  });
  const buffers = createPartBuffers(options.uploadbuffers, options.chunksize, {
    driver: NAME,
    limit: retrydeadline,
    now,
  });
  const copyGate = createGate(options.copymaxconcurrency);
  const copying = { byService: true };
  const compose = createCompose(copyGate);

  const contextFor = async (call: CallOptions | undefined): Promise<AzureContext> => {
    return { container, calls, options, signer, copying, keys: await layout(call) };
  };

  const driver = createObjectDriver(
    {
      name: NAME,
      smallestPart: LEAST_PART,
      largestWrite: LARGEST_WRITE,
      // Of several writers that send blocks to one blob, only the first that completes it would succeed.
      largestShared: LEAST_PART,
      patience: requesttimeout,
      head: async (path, call) => headBlob(await contextFor(call), path, call),
      whole: async (path, limit, call) => getWhole(await contextFor(call), path, limit, call),
      piece: async (path, piece, call) => getPiece(await contextFor(call), path, piece, call),
      retryLater: (state, fault, signal) => calls.retryLater(state, fault, signal),
      put: async (path, bytes, call) => putBlob(await contextFor(call), path, bytes, call),
      putVersioned: async (path, bytes, expected, call) =>
        putVersioned(await contextFor(call), path, bytes, expected, call),
      list: async (directory, call) => listDirectory(await contextFor(call), directory, call),
      firstBelow: async (directory, call) => {
        const context = await contextFor(call);
        return firstBlob(context, context.keys.below(directory), call);
      },
      remove: async (paths, call) => {
        const context = await contextFor(call);
        await deleteBlobs(context, paths.map(context.keys.of), call);
      },
      removeBelow: async (directory, call) => deleteBelow(await contextFor(call), directory, call),
      compose: async (sources, to, call) => compose(await contextFor(call), sources, to, call),
      sender: (path) =>
        createPartSender({
          path,
          begin: async (call) => beginBlocks(await contextFor(call), path),
          copyChunk: options.copychunksize,
          copyGate,
          buffers,
        }),
      redirectUrl: async (path, _request, call) =>
        signer.addressOf((await contextFor(call)).keys.of(path), options.redirectexpiry, call),
      abortUnfinished: async (directory, olderThan, call) =>
        abortUnfinishedBlobs(await contextFor(call), directory, olderThan, call),
      // The answers to all calls tell whether the container exists.
      checkBucket: () => Promise.resolve(),
      toFault: translate,
      close: () => client.destroy(),
    },
    buffers,
  );
  return Object.assign(driver, { isRefusing: () => circuit.isOpen });
}
