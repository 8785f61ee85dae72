import { CopyObjectCommand } from "@aws-sdk/client-s3";
import type { CallOptions } from "../../contract/driver.js";
import type { SourceFile } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { driverError, pathNotFound } from "../shared/errors.js";
import type { Gate } from "../shared/gate.js";
import { copySource, objectSettings, type S3Context } from "./context.js";
import { NAME } from "./faults.js";
import { isFault } from "../objects/faults.js";
import { headObject } from "./get.js";
import { beginMultipart } from "./multipart.js";
import { planCopy, type CopyPart } from "../objects/parts.js";
import { putObject } from "./put.js";
import { runAll } from "../objects/run-all.js";

/** Joins objects into a new one. `gate` bounds the number of parts that are copied concurrently. */
export async function composeObjects(
  context: S3Context,
  gate: Gate,
  sources: readonly SourceFile[],
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const { multipartcopythresholdsize: threshold, multipartcopychunksize: chunk } = context.options;
  const total = sources.reduce((sum, { size }) => sum + size, 0);
  const [only] = sources;
  if (sources.length === 1 && only !== undefined && (total <= threshold || total === 0)) {
    return copyWhole(context, only, to, call);
  }
  // An empty source has no part whose copy would fail if it were missing.
  for (const { path, size } of sources) if (size === 0) await headObject(context, path, call);
  if (total === 0) return putObject(context, to, new Uint8Array(0), call);
  const sizes = sources.map(({ size }) => size);
  const plan = planCopy(sizes, chunk);
  if (plan === undefined) {
    throw driverError(
      NAME,
      "compose",
      to,
      new Error(`${sources.length} files of ${total} bytes don't make one object`),
    );
  }
  await copyParts(context, gate, { sources, plan, to, total }, call);
}

/** Copies the whole source in one request, whatever its current size is. */
async function copyWhole(
  context: S3Context,
  source: SourceFile,
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const { client, calls, keys, options } = context;
  // S3 refuses to copy an unchanged object onto itself, and there is nothing to do.
  if (source.path === to) return;
  try {
    await calls.run({ operation: "CopyObject", bytes: source.size, signal: call?.signal }, (abortSignal) => {
      const command = new CopyObjectCommand({
        Bucket: options.bucket,
        Key: keys.of(to),
        CopySource: copySource(context, source.path),
        MetadataDirective: "REPLACE",
        ...objectSettings(options),
      });
      return client.send(command, { abortSignal });
    });
  } catch (error) {
    throw isFault(error, "not-found") ? pathNotFound(NAME, source.path, error) : error;
  }
}

interface PartsToCopy {
  readonly sources: readonly SourceFile[];
  readonly plan: readonly CopyPart[];
  readonly to: string;
  readonly total: number;
}

async function copyParts(
  context: S3Context,
  gate: Gate,
  { sources, plan, to, total }: PartsToCopy,
  call: CallOptions | undefined,
): Promise<void> {
  const upload = await beginMultipart(context, to, { signal: call?.signal });
  try {
    const copies = [...plan.entries()].map(([index, part]) => async (signal: AbortSignal) => {
      const path = sources[part.source]?.path ?? to;
      try {
        await upload.copy(index + 1, path, part.first, part.last, { signal });
      } catch (error) {
        throw isFault(error, "not-found") ? pathNotFound(NAME, path, error) : error;
      }
    });
    await runAll(copies, gate, call?.signal);
    await upload.complete(total, { signal: call?.signal });
  } catch (error) {
    // The parts must be removed even if the caller has aborted. What can't be removed now is left to `abortUnfinished`.
    const aborting = upload.abort({}).catch(() => undefined);
    if (!isStorageError(error, "STORAGE_UNAVAILABLE")) await aborting;
    throw error;
  }
}
