import type { CallOptions, ListOptions, ListPage } from "../../contract/driver.js";
import { listByName, type KeyPage, type ListCalls } from "../objects/listing.js";
import type { AzureContext } from "./context.js";

/** The maximum number of names in one answer. */
const MOST_NAMES = 5000;

/** A page of the children of `directory`; undefined if it doesn't exist. */
export async function listDirectory(
  context: AzureContext,
  directory: string,
  options: ListOptions | undefined,
): Promise<ListPage | undefined> {
  const page = await listByName(callsFor(context, directory, options), options?.startAfter, options?.limit);
  // The root always exists.
  return page ?? (directory === "/" ? { names: [], more: false } : undefined);
}

function callsFor(context: AzureContext, directory: string, call: CallOptions | undefined): ListCalls {
  const prefix = context.keys.below(directory);
  const page = async (token: string | undefined, count: number): Promise<KeyPage> =>
    context.calls.run({ operation: "ListBlobs", signal: call?.signal }, async (abortSignal) => {
      const pages = context.container
        .listBlobsByHierarchy("/", { prefix, abortSignal })
        .byPage({ maxPageSize: count, ...(token === undefined ? {} : { continuationToken: token }) });
      for await (const { segment, continuationToken } of pages) {
        const keys = [...segment.blobItems, ...(segment.blobPrefixes ?? [])].map(({ name }) => name).sort();
        const names = keys.map((key) => key.slice(prefix.length).replace(/\/$/, ""));
        return { names, next: given(continuationToken) };
      }
      return { names: [], next: undefined };
    });
  return {
    page: async ({ startAfter, next }, count) => {
      if (startAfter === undefined || next !== undefined) return page(next, count);
      // The service can't start after a name: what comes before it is read in the largest pages.
      let skipped = await page(undefined, MOST_NAMES);
      while (skipped.next !== undefined && skipped.names.every((name) => name <= startAfter)) {
        skipped = await page(skipped.next, MOST_NAMES);
      }
      return skipped;
    },
    isDirectory: async (name) => {
      const below = name === undefined ? prefix : `${prefix}${name}/`;
      return (await firstBlob(context, below, call)) !== undefined;
    },
  };
}

function given(token: string | undefined): string | undefined {
  return token === "" ? undefined : token;
}

/** When some blob whose name begins with `prefix` was written; undefined if there is none. */
export async function firstBlob(
  context: Pick<AzureContext, "calls" | "container">,
  prefix: string,
  call: CallOptions | undefined,
): Promise<{ readonly modified: Date } | undefined> {
  for await (const [first] of pagesOf(context, { prefix, count: 1 }, call)) {
    if (first !== undefined) return { modified: first.modified ?? new Date(0) };
  }
  return undefined;
}

/** A blob in a list. */
export interface ListedBlob {
  readonly name: string;
  readonly size: number;
  readonly modified: Date | undefined;
}

interface Listed {
  readonly prefix: string;
  readonly count?: number;
  /** Whether blobs are listed that have blocks, but were never completed. */
  readonly uncommitted?: boolean;
}

/** All blobs whose name begins with `prefix`, a page at a time; a page may be empty. Blobs may be removed meanwhile. */
export async function* pagesOf(
  { calls, container }: Pick<AzureContext, "calls" | "container">,
  { prefix, count = MOST_NAMES, uncommitted = false }: Listed,
  call: CallOptions | undefined,
): AsyncIterable<readonly ListedBlob[]> {
  let token: string | undefined;
  do {
    const continuationToken = token;
    const page = await calls.run({ operation: "ListBlobs", signal: call?.signal }, async (abortSignal) => {
      const pages = container
        .listBlobsFlat({ prefix, abortSignal, includeUncommitedBlobs: uncommitted })
        .byPage({ maxPageSize: count, ...(continuationToken === undefined ? {} : { continuationToken }) });
      for await (const each of pages) return each;
      return undefined;
    });
    yield (page?.segment.blobItems ?? []).map(({ name, properties }) => ({
      name,
      size: properties.contentLength ?? 0,
      modified: known(properties.lastModified),
    }));
    token = given(page?.continuationToken);
  } while (token !== undefined);
}

/** Blobs that were never completed have no time, whatever the library's types say. */
function known(time: Date | undefined): Date | undefined {
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}
