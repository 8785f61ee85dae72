import { randomUUID } from "node:crypto";
import type { CallOptions } from "../../contract/driver.js";
import { isFault, ServiceFault } from "../objects/faults.js";
import type { MultipartUpload } from "../objects/part-sender.js";
import { CONTENT_TYPE, otherSize, query, type GcsContext } from "./context.js";
import { headObject, openObject } from "./get.js";
import { objectPath } from "./signer.js";
import { escapeText, firstText } from "./xml.js";

/** What a completion is answered with: the status alone may have been sent before it was done. */
const COMPLETED = /<CompleteMultipartUploadResult[\s/>]/;
/** By what an object tells which upload made it (`x-goog-meta-…`). */
const MARK = "longshore-upload";

/**
 * Starts a multipart upload of the XML API to `path`: parts are sent at the same time, and are no objects, which would have to be removed,
 * and which the service would keep for a week after that where soft deletion is on (as it is by default).
 */
export async function beginMultipart(context: GcsContext, path: string, call: CallOptions): Promise<MultipartUpload> {
  const { client, calls, keys, options } = context;
  const address = objectPath(options.bucket, keys.of(path));
  const mark = randomUUID();
  const uploadId = await calls.run({ operation: "InitiateUpload", signal: call.signal }, async (signal) => {
    const headers = { "content-type": CONTENT_TYPE, "content-length": "0", [`x-goog-meta-${MARK}`]: mark };
    const request = { operation: "InitiateUpload", method: "POST", path: `${address}?uploads`, headers } as const;
    return needed(firstText((await client.text(request, signal)).text, "UploadId"), "InitiateUpload");
  });
  const upload = address + query({ uploadId });
  const tags = new Map<number, string>();

  const sendPart = async (number: number, body: GcsPart, signal: AbortSignal): Promise<void> => {
    const path = address + query({ partNumber: number, uploadId });
    const headers = { "content-length": String(body.length) };
    const answer = await client.text(
      { operation: "UploadPart", method: "PUT", path, headers, body: body.bytes },
      signal,
    );
    const tag = answer.headers.etag;
    tags.set(number, needed(typeof tag === "string" ? tag : undefined, "UploadPart"));
  };

  return {
    async put(number, bytes, { signal }) {
      await calls.run({ operation: "UploadPart", bytes: bytes.length, signal }, (ending) =>
        sendPart(number, { bytes, length: bytes.length }, ending),
      );
    },
    // The service has no copies of ranges. Only what is appended to a file needs one, which uploads don't.
    async copy(number, from, first, last, { signal }) {
      const length = last - first + 1;
      await calls.run({ operation: "UploadPart", bytes: 2 * length, signal }, async (ending) => {
        const { body } = await openObject(context, from, { start: first, end: last }, ending);
        try {
          await sendPart(number, { bytes: body, length }, ending);
        } finally {
          body.destroy();
        }
      });
    },
    async complete(size, { signal }) {
      const parts = [...tags].sort(([one], [other]) => one - other);
      const list = parts.map(
        ([number, tag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeText(tag)}</ETag></Part>`,
      );
      const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
      const headers = { "content-type": "application/xml", "content-length": String(Buffer.byteLength(body)) };
      let attempts = 0;
      try {
        await calls.run({ operation: "CompleteUpload", bytes: size, signal }, async (ending) => {
          attempts += 1;
          const request = { operation: "CompleteUpload", method: "POST", path: upload, headers, body } as const;
          const { text } = await client.text(request, ending);
          needed(COMPLETED.exec(text)?.[0], "CompleteUpload");
        });
      } catch (error) {
        // The first attempt may have succeeded while its response was lost: then the next one finds no such upload.
        const unsure = attempts > 1 && !isFault(error, "access-denied");
        if (!unsure || !(await isMarked(context, path, mark))) throw asRefused(error);
      }
      await checkSize(context, path, size, { signal });
    },
    abort: ({ signal }) => abortUpload(context, { key: keys.of(path), uploadId }, { signal }).then(() => undefined),
  };
}

interface GcsPart {
  readonly bytes: Uint8Array | Awaited<ReturnType<typeof openObject>>["body"];
  readonly length: number;
}

/** Discards an upload and its parts; returns whether it was there. */
export async function abortUpload(
  { client, calls, options }: GcsContext,
  { key, uploadId }: { readonly key: string; readonly uploadId: string },
  { signal }: CallOptions,
): Promise<boolean> {
  const path = objectPath(options.bucket, key) + query({ uploadId });
  try {
    await calls.run({ operation: "AbortUpload", signal }, (ending) =>
      client.text({ operation: "AbortUpload", method: "DELETE", path }, ending),
    );
    return true;
  } catch (error) {
    if (isFault(error, "no-upload", "not-found")) return false;
    throw error;
  }
}

/** One request for each large file, before what it was made of is given up. */
async function checkSize(context: GcsContext, path: string, size: number, call: CallOptions): Promise<void> {
  try {
    const found = await headObject(context, path, call);
    if (found.size !== size) throw otherSize("CompleteUpload", found.size, size);
  } catch (error) {
    throw asRefused(error);
  }
}

async function isMarked(context: GcsContext, path: string, mark: string): Promise<boolean> {
  try {
    return (await headObject(context, path, undefined)).metadata[MARK] === mark;
  } catch {
    return false;
  }
}

/** A missing upload (aborted by another process) says nothing about the path. */
function asRefused(error: unknown): unknown {
  return isFault(error, "no-upload", "not-found") ? new ServiceFault("refused", error.status, error.message) : error;
}

function needed(value: string | undefined, operation: string): string {
  if (value !== undefined && value !== "") return value;
  throw new ServiceFault(
    "transient",
    undefined,
    `${operation}: the answer isn't what the service's documentation says`,
  );
}
