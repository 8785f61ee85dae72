import type { CallOptions } from "../../contract/driver.js";
import type { AbortOptions } from "../objects/service.js";
import { betweenPrefix } from "./compose.js";
import { query, type GcsContext } from "./context.js";
import { pagesOf } from "./list.js";
import { abortUpload } from "./multipart.js";
import { deleteObjects } from "./remove.js";
import { encode } from "./signer.js";
import { elements, firstText } from "./xml.js";

/** Discards what writes below `directory` that were started before `olderThan` have left; returns how many objects or uploads. */
export async function abortUnfinishedWrites(
  context: GcsContext,
  directory: string,
  olderThan: Date,
  call: AbortOptions | undefined,
): Promise<number> {
  let aborted = 0;
  for await (const uploads of uploadsBelow(context, context.keys.below(directory), call)) {
    for (const { key, uploadId, initiated } of uploads) {
      if (initiated >= olderThan) continue;
      if (call?.dryRun === true || (await abortUpload(context, { key, uploadId }, { signal: call?.signal })))
        aborted += 1;
    }
  }
  for await (const objects of pagesOf(context, betweenPrefix(context, directory), call)) {
    const left = objects.filter(({ modified }) => modified < olderThan).map(({ name }) => ({ name }));
    if (call?.dryRun !== true) await deleteObjects(context, left, call);
    aborted += left.length;
  }
  return aborted;
}

interface Upload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiated: Date;
}

async function* uploadsBelow(
  { client, calls, options }: GcsContext,
  prefix: string,
  call: CallOptions | undefined,
): AsyncIterable<readonly Upload[]> {
  const operation = "ListUploads";
  let marker: { readonly key: string | undefined; readonly upload: string | undefined } | undefined;
  do {
    const values = { prefix: prefix || undefined, "key-marker": marker?.key, "upload-id-marker": marker?.upload };
    const path = `/${encode(options.bucket)}?uploads${query(values).replace("?", "&")}`;
    const { text } = await calls.run({ operation, signal: call?.signal }, (signal) =>
      client.text({ operation, method: "GET", path }, signal),
    );
    yield elements(text, "Upload").flatMap((upload) => readUpload(upload) ?? []);
    const next = { key: firstText(text, "NextKeyMarker"), upload: firstText(text, "NextUploadIdMarker") };
    marker = firstText(text, "IsTruncated") === "true" && next.key !== undefined ? next : undefined;
  } while (marker !== undefined);
}

/** Undefined without what is needed to abort it. */
function readUpload(document: string): Upload | undefined {
  const [key, uploadId] = [firstText(document, "Key"), firstText(document, "UploadId")];
  const initiated = new Date(firstText(document, "Initiated") ?? "");
  if (key === undefined || uploadId === undefined || Number.isNaN(initiated.getTime())) return undefined;
  return { key, uploadId, initiated };
}
