import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import { copySource, objectSettings, type S3Context } from "./context.js";
import { isFault, ServiceFault } from "../objects/faults.js";
import type { MultipartUpload } from "../objects/part-sender.js";
import { headObject } from "./get.js";

/** Starts a multipart upload to `path`. */
export async function beginMultipart(context: S3Context, path: string, call: CallOptions): Promise<MultipartUpload> {
  const { client, calls, keys, options } = context;
  const target = { Bucket: options.bucket, Key: keys.of(path) };
  const id = await calls.run({ operation: "CreateMultipartUpload", signal: call.signal }, async (abortSignal) => {
    const command = new CreateMultipartUploadCommand({ ...target, ...objectSettings(options) });
    return needed((await client.send(command, { abortSignal })).UploadId, "CreateMultipartUpload", "upload id");
  });
  const upload = { ...target, UploadId: id };
  const tags = new Map<number, string>();

  return {
    async put(number, bytes, { signal }) {
      const tag = await calls.run({ operation: "UploadPart", bytes: bytes.length, signal }, async (abortSignal) => {
        const command = new UploadPartCommand({ ...upload, PartNumber: number, Body: bytes });
        return needed((await client.send(command, { abortSignal })).ETag, "UploadPart", "ETag");
      });
      tags.set(number, tag);
    },
    async copy(number, from, first, last, { signal }) {
      const bytes = last - first + 1;
      const tag = await calls.run({ operation: "UploadPartCopy", bytes, signal }, async (abortSignal) => {
        const command = new UploadPartCopyCommand({
          ...upload,
          PartNumber: number,
          CopySource: copySource(context, from),
          CopySourceRange: `bytes=${first}-${last}`,
        });
        const answer = await client.send(command, { abortSignal });
        return needed(answer.CopyPartResult?.ETag, "UploadPartCopy", "ETag");
      });
      tags.set(number, tag);
    },
    async complete(size, { signal }) {
      const parts = [...tags].sort(([one], [other]) => one - other);
      const Parts = parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
      const begun = Date.now();
      let attempts = 0;
      try {
        await calls.run({ operation: "CompleteMultipartUpload", bytes: size, signal }, (abortSignal) => {
          attempts += 1;
          const command = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
          return client.send(command, { abortSignal });
        });
      } catch (error) {
        // The first attempt may have succeeded while its response was lost: then the next one finds no such upload.
        const unsure = attempts > 1 && !isFault(error, "access-denied", "not-implemented");
        if (!unsure || !(await isDone(context, path, size, Parts, begun))) throw asRefused(error);
      }
    },
    async abort({ signal }) {
      try {
        await calls.run({ operation: "AbortMultipartUpload", signal }, (abortSignal) =>
          client.send(new AbortMultipartUploadCommand(upload), { abortSignal }),
        );
      } catch (error) {
        if (!isFault(error, "no-upload", "not-found")) throw error;
      }
    },
  };
}

/** A missing upload (aborted by another process) says nothing about the path. */
function asRefused(error: unknown): unknown {
  return isFault(error, "no-upload", "not-found") ? new ServiceFault("refused", error.status, error.message) : error;
}

function needed(value: string | undefined, operation: string, what: string): string {
  if (value !== undefined && value !== "") return value;
  throw new ServiceFault("transient", undefined, `${operation}: the answer has no ${what}`);
}

/** How much the clocks of different machines may differ (ms). */
const SKEW = 15 * 60 * 1000;

/** Whether the object at `path` consists of these parts. */
async function isDone(
  context: S3Context,
  path: string,
  size: number,
  parts: readonly { readonly ETag: string }[],
  begun: number,
): Promise<boolean> {
  try {
    const there = await headObject(context, path, undefined);
    if (there.size !== size) return false;
    if (there.version.replaceAll('"', "") === tagOf(parts)) return true;
    // With KMS encryption the ETag can't be computed, but it contains the number of parts, and the object must be new.
    return there.version.endsWith(`-${parts.length}"`) && there.modified.getTime() > begun - SKEW;
  } catch {
    return false;
  }
}

/** The ETag of a multipart object, as S3 computes it from those of its parts. */
function tagOf(parts: readonly { readonly ETag: string }[]): string {
  const hash = createHash("md5");
  for (const { ETag } of parts) hash.update(Buffer.from(ETag.replaceAll('"', ""), "hex"));
  return `${hash.digest("hex")}-${parts.length}`;
}
