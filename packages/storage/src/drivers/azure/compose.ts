import { MIB } from "@longshore/base/size";
import type { CallOptions } from "../../contract/driver.js";
import type { SourceFile } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { readAll } from "../objects/body.js";
import { isFault } from "../objects/faults.js";
import { planCopy } from "../objects/parts.js";
import { runAll } from "../objects/run-all.js";
import { driverError, pathNotFound } from "../shared/errors.js";
import type { Gate } from "../shared/gate.js";
import { beginBlocks, byServiceIfItCan } from "./blocks.js";
import { blobAt, HEADERS, type AzureContext } from "./context.js";
import { NAME } from "./faults.js";
import { getPiece, headBlob } from "./get.js";
import { overOtherType } from "./other-type.js";
import { putBlob } from "./put.js";

/** Joins blobs into new ones. */
export type Compose = (
  context: AzureContext,
  sources: readonly SourceFile[],
  to: string,
  call: CallOptions | undefined,
) => Promise<void>;

interface Copy {
  readonly sources: readonly SourceFile[];
  readonly to: string;
  readonly total: number;
}

/** How often blocks are copied again because another write of the same blob has removed them. */
const TRIES = 8;
/** Bytes that are compared at a time. */
const WINDOW = 4 * MIB;

/** Joins blobs by calls to the service. `gate` bounds the number of blocks that are copied concurrently. */
export function createCompose(gate: Gate): Compose {
  /** Copies all blocks and completes the blob. Another write of the same blob that is completed earlier removes them. */
  const copyBlocks = async (context: AzureContext, { sources, to, total }: Copy, call: CallOptions): Promise<void> => {
    const sizes = sources.map(({ size }) => size);
    const plan = planCopy(sizes, context.options.copychunksize);
    if (plan === undefined) {
      throw driverError(NAME, "compose", to, new Error(`${sizes.length} files of ${total} bytes don't make one blob`));
    }
    const upload = beginBlocks(context, to);
    const copies = [...plan.entries()].map(([index, { source, first, last }]) => async (signal: AbortSignal) => {
      const path = sources[source]?.path ?? to;
      await unlessMissing(path, () => upload.copy(index + 1, path, first, last, { signal }));
    });
    try {
      await runAll(copies, gate, call.signal);
      await upload.complete(total, call);
    } catch (error) {
      if (isFault(error, "no-upload", "wrong-type")) throw error;
      // Even if the caller has aborted. What can't be discarded now is left to `abortUnfinished`.
      const aborting = upload.abort({}).catch(() => undefined);
      if (!isStorageError(error, "STORAGE_UNAVAILABLE")) await aborting;
      throw error;
    }
  };

  const copyAll = async (context: AzureContext, copy: Copy, call: CallOptions, tries: number): Promise<void> => {
    try {
      await copyBlocks(context, copy, call);
    } catch (error) {
      if (!isFault(error, "no-upload") || tries === 0) throw error;
      await copyAll(context, copy, call, tries - 1);
    }
  };

  const write = async (context: AzureContext, copy: Copy, call: CallOptions): Promise<void> => {
    const { sources, to, total } = copy;
    const [only] = sources;
    const isSmall = sources.length === 1 && only !== undefined && total <= context.options.copychunksize;
    const copied = isSmall && (await byServiceIfItCan(context.copying, () => copyWhole(context, only, to, call)));
    if (!copied) await copyAll(context, copy, call, TRIES);
  };

  return async (context, sources, to, call) => {
    const options = { signal: call?.signal };
    const total = sources.reduce((sum, { size }) => sum + size, 0);
    // An empty source has no block whose copy would fail if it were missing.
    for (const { path, size } of sources) {
      if (size === 0) await unlessMissing(path, () => headBlob(context, path, options));
    }
    if (total === 0) return putBlob(context, to, new Uint8Array(0), options);
    if (sources.length === 1 && sources[0]?.path === to) return;
    const isSame = (): Promise<boolean> => hasBytesOf(context, sources, to, options);
    await overOtherType(context, to, { size: total, isSame }, options, () =>
      write(context, { sources, to, total }, options),
    );
  };
}

async function unlessMissing(path: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw isFault(error, "not-found") ? pathNotFound(NAME, path, error) : error;
  }
}

/** Copies the whole source in one request, whatever its current size is. */
async function copyWhole(context: AzureContext, source: SourceFile, to: string, call: CallOptions): Promise<void> {
  const { calls, signer, keys } = context;
  const { url, ...authorization } = await signer.sourceOf(keys.of(source.path), call);
  await unlessMissing(source.path, () =>
    calls.run({ operation: "PutBlobFromURL", bytes: source.size, signal: call.signal }, (abortSignal) =>
      blobAt(context, to).syncUploadFromURL(url, {
        abortSignal,
        copySourceBlobProperties: false,
        blobHTTPHeaders: HEADERS,
        ...authorization,
      }),
    ),
  );
}

/** The bytes `first` to `last` (inclusive) of the blob at `path`. */
function readRange(
  context: AzureContext,
  path: string,
  first: number,
  last: number,
  call: CallOptions,
): Promise<Buffer> {
  const { calls } = context;
  const bytes = last - first + 1;
  return calls.run({ operation: "GetBlob", bytes, signal: call.signal }, async (signal) => {
    const { body } = await getPiece(context, path, { start: first, end: last }, { signal });
    return readAll(body, bytes, "GetBlob", signal);
  });
}

/** Whether the blob at `path`, which has as many bytes as `sources` together, has the same ones. */
async function hasBytesOf(
  context: AzureContext,
  sources: readonly SourceFile[],
  path: string,
  call: CallOptions,
): Promise<boolean> {
  let offset = 0;
  for (const source of sources) {
    for (let first = 0; first < source.size; first += WINDOW) {
      const last = Math.min(source.size, first + WINDOW) - 1;
      const [one, other] = await Promise.all([
        readRange(context, source.path, first, last, call),
        readRange(context, path, offset + first, offset + last, call),
      ]);
      if (!one.equals(other)) return false;
    }
    offset += source.size;
  }
  return true;
}
