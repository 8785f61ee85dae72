import type { AbortOptions } from "../objects/service.js";
import { discardBlocksOf, startOfBlock } from "./blocks.js";
import type { AzureContext } from "./context.js";
import { pagesOf, type ListedBlob } from "./list.js";

/** Discards the blocks of blobs below `directory` whose write was started before `olderThan` and never completed; returns how many. */
export async function abortUnfinishedBlobs(
  context: AzureContext,
  directory: string,
  olderThan: Date,
  call: AbortOptions | undefined,
): Promise<number> {
  let aborted = 0;
  const prefix = context.keys.below(directory);
  for await (const blobs of pagesOf(context, { prefix, uncommitted: true }, call)) {
    for (const blob of blobs) {
      // A blob that was never completed has no size.
      if (blob.size > 0) continue;
      const started = await startOf(context, blob, call);
      if (started === undefined || started >= olderThan) continue;
      if (call?.dryRun === true || (await discardBlocksOf(context, blob.name, { signal: call?.signal }))) aborted += 1;
    }
  }
  return aborted;
}

/** When the first write of a blob that was never completed was started; undefined if there is none. */
async function startOf(
  { calls, container }: AzureContext,
  { name }: ListedBlob,
  call: AbortOptions | undefined,
): Promise<Date | undefined> {
  const list = await calls.run({ operation: "GetBlockList", signal: call?.signal }, (abortSignal) =>
    container.getBlockBlobClient(name).getBlockList("all", { abortSignal }),
  );
  const starts = (list.uncommittedBlocks ?? []).flatMap((block) => startOfBlock(block.name) ?? []);
  const isCompleted = list.etag !== undefined && (list.committedBlocks ?? []).length > 0;
  return isCompleted ? undefined : starts.sort((one, other) => one.getTime() - other.getTime())[0];
}
