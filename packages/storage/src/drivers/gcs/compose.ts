import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { CallOptions } from "../../contract/driver.js";
import type { SourceFile } from "../../contract/object-storage.js";
import { isFault } from "../objects/faults.js";
import { runAll } from "../objects/run-all.js";
import { pathNotFound } from "../shared/errors.js";
import type { Gate } from "../shared/gate.js";
import { CONTENT_TYPE, jsonPath, parseAnswer, query, type GcsContext } from "./context.js";
import { NAME } from "./faults.js";
import { headObject } from "./get.js";
import { putObject } from "./put.js";
import { deleteObjects } from "./remove.js";

/** The service's limit for the sources of one call. */
const MOST_SOURCES = 32;

/** Joins objects into a new one. `gate` bounds the calls that join pieces of it at the same time. */
export async function composeObjects(
  context: GcsContext,
  gate: Gate,
  sources: readonly SourceFile[],
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const total = sources.reduce((sum, { size }) => sum + size, 0);
  const [only] = sources;
  try {
    if (sources.length === 1 && only !== undefined) {
      if (only.path !== to) await rewrite(context, only, to, call);
      return;
    }
    for (const { path, size } of sources) if (size === 0) await headObject(context, path, call);
    if (total === 0) {
      await putObject(context, to, new Uint8Array(0), call);
      return;
    }
    const filled = sources.filter(({ size }) => size > 0).map(({ path }) => context.keys.of(path));
    await joinAll(context, gate, filled, to, call);
  } catch (error) {
    if (isFault(error, "not-found")) throw await missingOne(context, sources, error, call);
    throw error;
  }
}

/** The service doesn't tell in a way that programs can read which source is missing. */
async function missingOne(
  context: GcsContext,
  sources: readonly SourceFile[],
  cause: unknown,
  call: CallOptions | undefined,
): Promise<unknown> {
  for (const { path } of sources) {
    try {
      await headObject(context, path, call);
    } catch (error) {
      if (isFault(error, "not-found")) return pathNotFound(NAME, path, cause);
      throw error;
    }
  }
  return cause;
}

const rewriteAnswer = z.object({ done: z.boolean(), rewriteToken: z.string().optional() });

/** Copies an object: at once where nothing has to be moved, otherwise in as many calls as the service wants. */
async function rewrite(
  { client, calls, keys, options }: GcsContext,
  source: SourceFile,
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const operation = "Rewrite";
  const address = `${jsonPath(options, keys.of(source.path))}/rewriteTo${jsonPath(options, keys.of(to)).slice("/storage/v1".length)}`;
  // With attributes of its own it doesn't get those of the source.
  const body = JSON.stringify({ contentType: CONTENT_TYPE });
  let rewriteToken: string | undefined;
  do {
    const path = address + query({ rewriteToken, fields: "done,rewriteToken" });
    const answer = await calls.run({ operation, bytes: source.size, signal: call?.signal }, async (signal) => {
      const { text } = await client.text({ operation, method: "POST", path, headers: JSON_BODY, body }, signal);
      return parseAnswer(rewriteAnswer, text, operation);
    });
    rewriteToken = answer.done ? undefined : answer.rewriteToken;
  } while (rewriteToken !== undefined);
}

const JSON_BODY = { "content-type": "application/json" };

/** Joins the objects called `names`, if need be by way of others, which are removed afterwards. */
async function joinAll(
  context: GcsContext,
  gate: Gate,
  names: readonly string[],
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const between = betweenNames(context, to);
  const made: string[] = [];
  try {
    let level = names;
    while (level.length > MOST_SOURCES) {
      const joined = groupsOf(level).map((group) => ({ group, into: between() }));
      made.push(...joined.map(({ into }) => into));
      const tasks = joined.map(
        ({ group, into }) =>
          (signal: AbortSignal) =>
            join(context, group, into, { signal }),
      );
      await runAll(tasks, gate, call?.signal);
      level = joined.map(({ into }) => into);
    }
    await join(context, level, context.keys.of(to), call);
  } finally {
    // Even if the caller has aborted. What can't be removed now is left to `abortUnfinished`.
    if (made.length > 0) await deleteObjects(context, made, undefined).catch(() => undefined);
  }
}

function groupsOf(names: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(names.length / MOST_SOURCES);
  return Array.from({ length: count }, (_, index) => names.slice(index * MOST_SOURCES, (index + 1) * MOST_SOURCES));
}

async function join(
  { client, calls, options }: GcsContext,
  names: readonly string[],
  into: string,
  call: CallOptions | undefined,
): Promise<void> {
  const operation = "Compose";
  const path = `${jsonPath(options, into)}/compose${query({ fields: "generation" })}`;
  const sourceObjects = names.map((name) => ({ name }));
  const body = JSON.stringify({ sourceObjects, destination: { contentType: CONTENT_TYPE } });
  await calls.run({ operation, signal: call?.signal }, (signal) =>
    client.text({ operation, method: "POST", path, headers: JSON_BODY, body }, signal),
  );
}

/** Where what is joined lies meanwhile: a name that no path has, beside the registry's own directory. */
const BETWEEN = "~compose";

/** Below what the objects between lie that are made for files below `directory`. */
export function betweenPrefix({ keys }: Pick<GcsContext, "keys">, directory: string): string {
  return `${keys.below("/")}${BETWEEN}${directory === "/" ? "" : directory}/`;
}

function betweenNames(context: GcsContext, to: string): () => string {
  const prefix = `${betweenPrefix(context, to)}${randomBytes(8).toString("hex")}-`;
  let count = 0;
  return () => `${prefix}${(count += 1)}`;
}
