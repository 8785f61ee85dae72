import type { CallOptions } from "../../contract/driver.js";
import { isFault } from "../objects/faults.js";
import { runAll } from "../objects/run-all.js";
import { createGate } from "../shared/gate.js";
import { jsonPath, query, type GcsContext } from "./context.js";
import { pagesOf } from "./list.js";

/** How many objects of one call are removed at a time. */
const AT_ONCE = 16;

/** An object that is to be removed; with `generation` only if it still is that one. */
interface Removed {
  readonly name: string;
  readonly generation?: string | undefined;
}

/**
 * Removes objects by their names, whether or not they exist. A request that the service carries out late, or twice, removes nothing that was
 * written since if it tells the generation.
 */
export async function deleteObjects(
  { client, calls, options }: GcsContext,
  objects: readonly Removed[],
  call: CallOptions | undefined,
): Promise<void> {
  const operation = "Delete";
  const removals = objects.map(({ name, generation }) => async (signal: AbortSignal) => {
    const path = jsonPath(options, name) + query({ ifGenerationMatch: generation });
    try {
      await calls.run({ operation, signal }, (ending) => client.text({ operation, method: "DELETE", path }, ending));
    } catch (error) {
      if (!isFault(error, "not-found", "precondition")) throw error;
    }
  });
  await runAll(removals, createGate(AT_ONCE), call?.signal);
}

/** Removes everything below the directory at `path`; returns whether there was anything. */
export async function deleteBelow(context: GcsContext, path: string, call: CallOptions | undefined): Promise<boolean> {
  let any = false;
  for await (const objects of pagesOf(context, context.keys.below(path), call)) {
    any ||= objects.length > 0;
    // Whatever is there now: without generations.
    await deleteObjects(
      context,
      objects.map(({ name }) => ({ name })),
      call,
    );
  }
  return any;
}
