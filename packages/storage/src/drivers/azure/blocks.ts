import { randomBytes } from "node:crypto";
import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import type { MultipartUpload } from "../objects/part-sender.js";
import { blobAt, HEADERS, type AzureContext } from "./context.js";
import { getPiece } from "./get.js";

/**
 * The id of a block. Uncommitted blocks of several writers of a blob lie side by side, so that each has its own, and it tells when
 * the write was started: the service doesn't. All ids of a blob must have the same length.
 */
function blockId(write: string, number: number): string {
  return Buffer.from(`${write}-${String(number).padStart(6, "0")}`).toString("base64");
}

function newWrite(): string {
  return `${String(Date.now()).padStart(14, "0")}-${randomBytes(6).toString("hex")}`;
}

/** When the write of a block was started; undefined for the blocks of other programs. */
export function startOfBlock(id: string): Date | undefined {
  const start = /^(\d{14})-[0-9a-f]{12}-\d{6}$/.exec(Buffer.from(id, "base64").toString("latin1"))?.[1];
  return start === undefined ? undefined : new Date(Number(start));
}

/** Starts to make the blob at `path` of blocks, without a request. Until it is complete, the path has its previous content. */
export function beginBlocks(context: AzureContext, path: string): MultipartUpload {
  const { calls, signer, keys, copying } = context;
  const blob = blobAt(context, path);
  const write = newWrite();
  const numbers = new Set<number>();

  const copyByService = async (id: string, from: string, first: number, bytes: number, call: CallOptions) => {
    const { url, ...source } = await signer.sourceOf(keys.of(from), call);
    await calls.run({ operation: "PutBlockFromURL", bytes, signal: call.signal }, (abortSignal) =>
      blob.stageBlockFromURL(id, url, first, bytes, { abortSignal, ...source }),
    );
  };

  const passThrough = async (id: string, from: string, first: number, bytes: number, { signal }: CallOptions) => {
    const range = { start: first, end: first + bytes - 1 };
    await calls.run({ operation: "PutBlock", bytes: 2 * bytes, signal }, async (abortSignal) => {
      const { body } = await getPiece(context, from, range, { signal: abortSignal });
      try {
        await blob.stageBlock(id, () => body, bytes, { abortSignal });
      } finally {
        body.destroy();
      }
    });
  };

  return {
    async put(number, bytes, { signal }) {
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await calls.run({ operation: "PutBlock", bytes: body.length, signal }, (abortSignal) =>
        blob.stageBlock(blockId(write, number), body, body.length, { abortSignal }),
      );
      numbers.add(number);
    },
    async copy(number, from, first, last, { signal }) {
      const bytes = last - first + 1;
      const id = blockId(write, number);
      if (!(await byServiceIfItCan(copying, () => copyByService(id, from, first, bytes, { signal })))) {
        await passThrough(id, from, first, bytes, { signal });
      }
      numbers.add(number);
    },
    async complete(_size, { signal }) {
      const ids = [...numbers].sort((one, other) => one - other).map((number) => blockId(write, number));
      // Repeated after its answer was lost, it finds the same blocks among those of the blob.
      await calls.run({ operation: "PutBlockList", bytes: 0, signal }, (abortSignal) =>
        blob.commitBlockList(ids, { abortSignal, blobHTTPHeaders: HEADERS }),
      );
    },
    abort: ({ signal }) => discardBlocks(context, path, { signal }),
  };
}

/** Runs `copy` unless the service is known not to copy; returns whether it did. */
export async function byServiceIfItCan(copying: AzureContext["copying"], copy: () => Promise<void>): Promise<boolean> {
  if (!copying.byService) return false;
  try {
    await copy();
    return true;
  } catch (error) {
    if (!isFault(error, "not-implemented")) throw error;
    copying.byService = false;
    return false;
  }
}

/**
 * Discards uncommitted blocks where no blob is: an empty one replaces them, and is removed. Where a blob is they can't be seen, and
 * the service discards them after a week, or when the blob is replaced.
 */
async function discardBlocks({ calls, container, keys }: AzureContext, path: string, call: CallOptions): Promise<void> {
  await discardBlocksOf({ calls, container }, keys.of(path), call);
}

/** Likewise, by the blob's name. Returns whether no blob was there. */
export async function discardBlocksOf(
  { calls, container }: Pick<AzureContext, "calls" | "container">,
  name: string,
  { signal }: CallOptions,
): Promise<boolean> {
  const blob = container.getBlockBlobClient(name);
  try {
    const { etag } = await calls.run({ operation: "PutBlockList", signal }, (abortSignal) =>
      blob.commitBlockList([], { abortSignal, conditions: { ifNoneMatch: "*" } }),
    );
    await calls.run({ operation: "DeleteBlob", signal }, (abortSignal) =>
      blob.delete({ abortSignal, conditions: etag === undefined ? {} : { ifMatch: etag } }),
    );
    return true;
  } catch (error) {
    if (isFault(error, "precondition", "not-found")) return false;
    throw error;
  }
}
