import type { CallOptions, FileWriter } from "../../src/contract/driver.js";
import { driverError } from "../../src/drivers/shared/errors.js";

/** Requests to object storage, by the names of S3's operations. */
export type ObjectRequest =
  | "HeadObject"
  | "GetObject"
  | "PutObject"
  | "CopyObject"
  | "ListObjects"
  | "DeleteObjects"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "UploadPartCopy"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListMultipartUploads";

/** Writes that were neither finished nor aborted: the storage keeps their parts. */
export type UnfinishedWrites = Map<object, { readonly path: string; readonly begun: Date }>;

/** What a writer needs from its fake (in-memory-object-storage.ts). */
export interface ObjectWriterHost {
  readonly name: string;
  readonly partSize: number;
  readonly largestWrite: number;
  readonly unfinished: UnfinishedWrites;
  readonly request: (kind: ObjectRequest, path: string, call?: CallOptions) => Promise<void>;
  readonly put: (path: string, bytes: Uint8Array) => void;
}

/** A writer of the object at `path`, which doesn't exist until it is committed. */
export function openObjectWriter(path: string, host: ObjectWriterHost): FileWriter {
  const { name, partSize, largestWrite, unfinished, request, put } = host;
  const chunks: Uint8Array[] = [];
  const own = {};
  let size = 0;
  let sent = 0;
  let state: "open" | "closed" | "committed" | "cancelled" = "open";
  const needOpen = (operation: string): void => {
    if (state !== "open") throw driverError(name, operation, path, new Error(`the writer is already ${state}`));
  };
  const begin = async (call?: CallOptions): Promise<void> => {
    if (unfinished.has(own)) return;
    await request("CreateMultipartUpload", path, call);
    unfinished.set(own, { path, begun: new Date() });
  };
  const sendParts = async (least: number, call?: CallOptions): Promise<void> => {
    while (size - sent >= least && size > sent) {
      await begin(call);
      await request("UploadPart", path, call);
      sent += Math.min(partSize, size - sent);
    }
  };
  return {
    get size() {
      return size;
    },
    write: async (chunk, call) => {
      needOpen("write");
      call?.signal?.throwIfAborted();
      if (size + chunk.length > largestWrite) {
        throw driverError(name, "write", path, new Error(`more than ${largestWrite} bytes`));
      }
      // A copy, as in a part's buffer: the contract transfers ownership of the bytes, but the test reuses its own.
      chunks.push(chunk.slice());
      size += chunk.length;
      // One part is held back: a file of a single part is sent in one PutObject.
      await sendParts(partSize + 1, call);
    },
    commit: async (call) => {
      needOpen("commit");
      call?.signal?.throwIfAborted();
      if (unfinished.has(own)) {
        await sendParts(0, call);
        await request("CompleteMultipartUpload", path, call);
        unfinished.delete(own);
      } else if (sent > 0)
        throw driverError(name, "commit", path, new Error("the upload was aborted by somebody else"));
      else await request("PutObject", path, call);
      state = "committed";
      put(path, Buffer.concat(chunks));
    },
    close: async (call) => {
      call?.signal?.throwIfAborted();
      // What was sent stays unfinished, as when a process is killed: object storage has no `append`.
      if (state === "open") state = "closed";
      return Promise.resolve();
    },
    cancel: async (call) => {
      if (state === "cancelled") return;
      if (state === "committed") needOpen("cancel");
      call?.signal?.throwIfAborted();
      state = "cancelled";
      if (!unfinished.has(own)) return;
      await request("AbortMultipartUpload", path, call);
      unfinished.delete(own);
    },
  };
}
