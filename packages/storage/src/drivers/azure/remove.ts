import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import { runAll } from "../objects/run-all.js";
import { createGate } from "../shared/gate.js";
import type { AzureContext } from "./context.js";
import { pagesOf } from "./list.js";

/** How many blobs of one call are removed at a time. */
const AT_ONCE = 16;

/** Removes blobs by their names, whether or not they exist. */
export async function deleteBlobs(
  { calls, container }: AzureContext,
  names: readonly string[],
  call: CallOptions | undefined,
): Promise<void> {
  const removals = names.map((name) => async (signal: AbortSignal) => {
    try {
      await calls.run({ operation: "DeleteBlob", signal }, (abortSignal) =>
        container.getBlobClient(name).delete({ abortSignal, deleteSnapshots: "include" }),
      );
    } catch (error) {
      if (!isFault(error, "not-found")) throw error;
    }
  });
  await runAll(removals, createGate(AT_ONCE), call?.signal);
}

/** Removes everything below the directory at `path`; returns whether there was anything. */
export async function deleteBelow(
  context: AzureContext,
  path: string,
  call: CallOptions | undefined,
): Promise<boolean> {
  let any = false;
  for await (const blobs of pagesOf(context, { prefix: context.keys.below(path) }, call)) {
    any ||= blobs.length > 0;
    await deleteBlobs(
      context,
      blobs.map(({ name }) => name),
      call,
    );
  }
  return any;
}
