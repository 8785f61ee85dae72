import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import { runAll } from "../objects/run-all.js";
import { createGate } from "../shared/gate.js";
import { jsonPath, type GcsContext } from "./context.js";
import { pagesOf } from "./list.js";

/** How many objects of one call are removed at a time. */
const AT_ONCE = 16;

/** Removes objects by their names, whether or not they exist. */
export async function deleteObjects(
  { client, calls, options }: GcsContext,
  names: readonly string[],
  call: CallOptions | undefined,
): Promise<void> {
  const operation = "Delete";
  const removals = names.map((name) => async (signal: AbortSignal) => {
    try {
      await calls.run({ operation, signal }, (ending) =>
        client.text({ operation, method: "DELETE", path: jsonPath(options, name) }, ending),
      );
    } catch (error) {
      if (!isFault(error, "not-found")) throw error;
    }
  });
  await runAll(removals, createGate(AT_ONCE), call?.signal);
}

/** Removes everything below the directory at `path`; returns whether there was anything. */
export async function deleteBelow(context: GcsContext, path: string, call: CallOptions | undefined): Promise<boolean> {
  let any = false;
  for await (const objects of pagesOf(context, context.keys.below(path), call)) {
    any ||= objects.length > 0;
    await deleteObjects(
      context,
      objects.map(({ name }) => name),
      call,
    );
  }
  return any;
}
