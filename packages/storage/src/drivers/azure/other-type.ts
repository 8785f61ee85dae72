import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import { blobAt, type AzureContext } from "./context.js";
import { headBlob } from "./get.js";

/** What is about to be written. */
interface NewContent {
  readonly size: number;
  /** Whether the blob, which has the same size, has the same bytes already. */
  readonly isSame: () => Promise<boolean>;
}

/**
 * Runs `write`, also where Distribution has left an append blob, which the service doesn't replace with a block blob. One with
 * the same bytes, such as a layer that is pushed again, stays and only becomes new: between its removal and the write it could
 * be lost. Another one is removed first, as Distribution does.
 */
export async function overOtherType(
  context: AzureContext,
  path: string,
  content: NewContent,
  call: CallOptions | undefined,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
    return;
  } catch (error) {
    if (!isFault(error, "wrong-type")) throw error;
  }
  const { size, version } = await headBlob(context, path, call);
  const blob = blobAt(context, path);
  const conditions = { ifMatch: version };
  if (size === content.size && (await content.isSame())) {
    await context.calls.run({ operation: "SetBlobMetadata", signal: call?.signal }, (abortSignal) =>
      blob.setMetadata({}, { abortSignal, conditions }),
    );
    return;
  }
  await context.calls.run({ operation: "DeleteBlob", signal: call?.signal }, (abortSignal) =>
    blob.delete({ abortSignal, conditions }),
  );
  await write();
}
