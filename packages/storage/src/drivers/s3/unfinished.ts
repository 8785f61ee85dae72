import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { isFault } from "../objects/faults.js";

/** Aborts multipart uploads below `directory` that were started before `olderThan`; returns how many. */
export async function abortUnfinishedUploads(
  { client, calls, keys, options }: S3Context,
  directory: string,
  olderThan: Date,
  call: (CallOptions & { readonly dryRun?: boolean }) | undefined,
): Promise<number> {
  const Bucket = options.bucket;
  const signal = call?.signal;
  let aborted = 0;
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
  do {
    const from = marker;
    const page = await calls.run({ operation: "ListMultipartUploads", signal }, (abortSignal) =>
      client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: keys.below(directory), ...from }), { abortSignal }),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined || Initiated === undefined || Initiated >= olderThan) continue;
      aborted += 1;
      if (call?.dryRun === true) continue;
      try {
        await calls.run({ operation: "AbortMultipartUpload", signal }, (abortSignal) =>
          client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), { abortSignal }),
        );
      } catch (error) {
        // It has been completed or aborted meanwhile.
        if (!isFault(error, "no-upload", "not-found")) throw error;
        aborted -= 1;
      }
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    marker =
      IsTruncated === true && NextKeyMarker !== undefined
        ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker ?? "" }
        : undefined;
  } while (marker !== undefined);
  return aborted;
}
