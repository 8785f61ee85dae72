import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import type { CallOptions, ListOptions, ListPage } from "../../contract/driver.js";
import type { S3Context } from "./context.js";
import { listByName, type KeyPage, type ListCalls } from "../objects/listing.js";

/** A page of the children of `directory`; undefined if it doesn't exist. */
export async function listDirectory(
  context: S3Context,
  directory: string,
  options: ListOptions | undefined,
): Promise<ListPage | undefined> {
  const page = await listByName(callsFor(context, directory, options), options?.startAfter, options?.limit);
  // The root always exists.
  return page ?? (directory === "/" ? { names: [], more: false } : undefined);
}

function callsFor(
  { client, calls, keys, options }: S3Context,
  directory: string,
  call: CallOptions | undefined,
): ListCalls {
  const prefix = keys.below(directory);
  return {
    page: ({ startAfter, next }, count) =>
      calls.run({ operation: "ListObjectsV2", signal: call?.signal }, async (abortSignal) => {
        const command = new ListObjectsV2Command({
          Bucket: options.bucket,
          Prefix: prefix,
          Delimiter: "/",
          MaxKeys: count,
          ...(startAfter === undefined ? {} : { StartAfter: prefix + startAfter }),
          ...(next === undefined ? {} : { ContinuationToken: next }),
        });
        return toPage(await client.send(command, { abortSignal }), prefix);
      }),
    isDirectory: async (name) => {
      const below = name === undefined ? prefix : `${prefix}${name}/`;
      return (await firstKey({ client, calls, keys, options }, below, call)) !== undefined;
    },
  };
}

/** Files and directories arrive in two lists, which are merged in the order of their keys. */
function toPage(answer: ListObjectsV2CommandOutput, prefix: string): KeyPage {
  const files = (answer.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
  const directories = (answer.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix === undefined ? [] : [Prefix]));
  const keys = [...files, ...directories].sort();
  return {
    names: keys.map((key) => key.slice(prefix.length).replace(/\/$/, "")),
    next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined,
  };
}

/** The first key that begins with `prefix`, and when it was written; undefined if there is none. */
export function firstKey(
  { client, calls, options }: S3Context,
  prefix: string,
  call: CallOptions | undefined,
): Promise<{ readonly key: string; readonly modified: Date } | undefined> {
  return calls.run({ operation: "ListObjectsV2", signal: call?.signal }, async (abortSignal) => {
    const command = new ListObjectsV2Command({ Bucket: options.bucket, Prefix: prefix, MaxKeys: 1 });
    const first = (await client.send(command, { abortSignal })).Contents?.[0];
    return first?.Key === undefined ? undefined : { key: first.Key, modified: first.LastModified ?? new Date(0) };
  });
}

/** All keys that begin with `prefix`, a page at a time. Keys may be removed meanwhile. */
export async function* allKeys(
  { client, calls, options }: S3Context,
  prefix: string,
  call: CallOptions | undefined,
): AsyncIterable<readonly string[]> {
  let startAfter: string | undefined;
  do {
    const after = startAfter;
    const answer = await calls.run({ operation: "ListObjectsV2", signal: call?.signal }, (abortSignal) => {
      const command = new ListObjectsV2Command({
        Bucket: options.bucket,
        Prefix: prefix,
        ...(after === undefined ? {} : { StartAfter: after }),
      });
      return client.send(command, { abortSignal });
    });
    const keys = (answer.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
    if (keys.length > 0) yield keys;
    startAfter = answer.IsTruncated === true ? keys.at(-1) : undefined;
  } while (startAfter !== undefined);
}
