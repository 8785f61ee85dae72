import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { CallOptions } from "../../contract/driver.js";
import type { SourceFile } from "../../contract/object-storage.js";
import { isFault } from "../objects/faults.js";
import { runAll } from "../objects/run-all.js";
import { pathNotFound } from "../shared/errors.js";
import type { Gate } from "../shared/gate.js";
import { CONTENT_TYPE, jsonPath, numberText, otherSize, parseAnswer, query, type GcsContext } from "./context.js";
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
  const [only] = sources;
  try {
    if (sources.length === 1 && only !== undefined) {
      if (only.path !== to) await rewrite(context, only, to, call);
      return;
    }
    for (const { path, size } of sources) if (size === 0) await checkEmpty(context, path, call);
    if (totalOf(sources) === 0) {
      await putObject(context, to, new Uint8Array(0), call);
      return;
    }
    const filled = sources
      .filter(({ size }) => size > 0)
      .map(({ path, size }) => ({ name: context.keys.of(path), size }));
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

async function checkEmpty(context: GcsContext, path: string, call: CallOptions | undefined): Promise<void> {
  const { size } = await headObject(context, path, call);
  if (size !== 0) throw otherSize("Compose", size, 0);
}

const made = z.object({ generation: z.string().regex(/^\d+$/), size: numberText });

/** Unless it is done, the answer has the token with which to go on. */
const rewriteAnswer = z.discriminatedUnion("done", [
  z.object({ done: z.literal(true), resource: made }),
  z.object({ done: z.literal(false), rewriteToken: z.string().min(1) }),
]);

/** Copies an object: at once where nothing has to be moved, otherwise in as many calls as the service wants. */
async function rewrite(
  context: GcsContext,
  source: SourceFile,
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const { client, calls, keys, options } = context;
  const operation = "Rewrite";
  const address = `${jsonPath(options, keys.of(source.path))}/rewriteTo${jsonPath(options, keys.of(to)).slice("/storage/v1".length)}`;
  // With attributes of its own it doesn't get those of the source.
  const body = JSON.stringify({ contentType: CONTENT_TYPE });
  let rewriteToken: string | undefined;
  do {
    const path = address + query({ rewriteToken, fields: "done,rewriteToken,resource(generation,size)" });
    const answer = await calls.run({ operation, bytes: source.size, signal: call?.signal }, async (signal) => {
      const { text } = await client.text({ operation, method: "POST", path, headers: JSON_BODY, body }, signal);
      return parseAnswer(rewriteAnswer, text, operation);
    });
    if (answer.done) await checkMade(context, keys.of(to), answer.resource, source.size, operation);
    rewriteToken = answer.done ? undefined : answer.rewriteToken;
  } while (rewriteToken !== undefined);
}

/**
 * The service takes whatever the sources have become: an object of another size than theirs isn't what the caller means. It is removed again,
 * before the caller removes the sources.
 */
async function checkMade(
  context: GcsContext,
  name: string,
  { generation, size }: z.output<typeof made>,
  expected: number,
  operation: string,
): Promise<void> {
  if (size === expected) return;
  await deleteObjects(context, [{ name, generation }], undefined).catch(() => undefined);
  throw otherSize(operation, size, expected);
}

const JSON_BODY = { "content-type": "application/json" };

/** An object that is joined with others. */
interface Joined {
  readonly name: string;
  readonly size: number;
}

/** Joins the objects `sources`, if need be by way of others, which are removed afterwards. */
async function joinAll(
  context: GcsContext,
  gate: Gate,
  sources: readonly Joined[],
  to: string,
  call: CallOptions | undefined,
): Promise<void> {
  const nextName = betweenNames(context, to);
  const left: { readonly name: string }[] = [];
  try {
    let level = sources;
    while (level.length > MOST_SOURCES) {
      const joined = groupsOf(level).map((group) => ({ group, name: nextName(), size: totalOf(group) }));
      left.push(...joined);
      const tasks = joined.map(
        ({ group, name }) =>
          (signal: AbortSignal) =>
            join(context, group, name, { signal }),
      );
      await runAll(tasks, gate, call?.signal);
      level = joined;
    }
    await join(context, level, context.keys.of(to), call);
  } finally {
    // Even if the caller has aborted. What can't be removed now is left to `abortUnfinished`.
    if (left.length > 0) await deleteObjects(context, left, undefined).catch(() => undefined);
  }
}

function groupsOf(all: readonly Joined[]): readonly (readonly Joined[])[] {
  const count = Math.ceil(all.length / MOST_SOURCES);
  return Array.from({ length: count }, (_, index) => all.slice(index * MOST_SOURCES, (index + 1) * MOST_SOURCES));
}

function totalOf(sources: readonly { readonly size: number }[]): number {
  return sources.reduce((sum, { size }) => sum + size, 0);
}

async function join(
  context: GcsContext,
  sources: readonly Joined[],
  into: string,
  call: CallOptions | undefined,
): Promise<void> {
  const { client, calls, options } = context;
  const operation = "Compose";
  const path = `${jsonPath(options, into)}/compose${query({ fields: "generation,size" })}`;
  const sourceObjects = sources.map(({ name }) => ({ name }));
  const body = JSON.stringify({ sourceObjects, destination: { contentType: CONTENT_TYPE } });
  const answer = await calls.run({ operation, signal: call?.signal }, async (signal) => {
    const { text } = await client.text({ operation, method: "POST", path, headers: JSON_BODY, body }, signal);
    return parseAnswer(made, text, operation);
  });
  await checkMade(context, into, answer, totalOf(sources), operation);
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
