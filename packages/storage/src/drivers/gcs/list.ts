import { z } from "zod";
import type { CallOptions, ListOptions, ListPage } from "../../contract/driver.js";
import { listByName, type KeyPage, type ListCalls } from "../objects/listing.js";
import { jsonPath, parseAnswer, query, SESSION_TYPE, type GcsContext } from "./context.js";

const listAnswer = z.object({
  items: z
    .array(
      z.object({
        name: z.string(),
        updated: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
        contentType: z.string().default(""),
      }),
    )
    .default([]),
  prefixes: z.array(z.string()).default([]),
  nextPageToken: z.string().optional(),
});

const FIELDS = "items(name,updated,contentType),prefixes,nextPageToken";
/** The maximum number of names in one answer. */
const MOST_NAMES = 1000;

interface ListQuery {
  readonly prefix: string;
  readonly maxResults: number;
  readonly delimiter?: string;
  readonly startOffset?: string | undefined;
  readonly pageToken?: string | undefined;
}

function listObjects(
  { client, calls, options }: GcsContext,
  values: ListQuery,
  call: CallOptions | undefined,
): Promise<z.output<typeof listAnswer>> {
  const operation = "List";
  const path = jsonPath(options) + query({ ...values, prefix: values.prefix || undefined, fields: FIELDS });
  return calls.run({ operation, signal: call?.signal }, async (signal) => {
    const { text } = await client.text({ operation, method: "GET", path }, signal);
    return parseAnswer(listAnswer, text, operation);
  });
}

/** A page of the children of `directory`; undefined if it doesn't exist. */
export async function listDirectory(
  context: GcsContext,
  directory: string,
  options: ListOptions | undefined,
): Promise<ListPage | undefined> {
  const page = await listByName(
    callsFor(context, directory, options?.startAfter, options),
    options?.startAfter,
    options?.limit,
  );
  // The root always exists.
  return page ?? (directory === "/" ? { names: [], more: false } : undefined);
}

function callsFor(
  context: GcsContext,
  directory: string,
  startAfter: string | undefined,
  call: CallOptions | undefined,
): ListCalls {
  const prefix = context.keys.below(directory);
  return {
    page: async ({ next }, count): Promise<KeyPage> => {
      const { items, prefixes, nextPageToken } = await listObjects(
        context,
        {
          prefix,
          delimiter: "/",
          maxResults: count,
          // On each page, as the service wants it. The name itself is in the page, too: `listByName` leaves it out.
          startOffset: startAfter === undefined ? undefined : prefix + startAfter,
          pageToken: next,
        },
        call,
      );
      const files = items.flatMap(({ name, contentType }) => (contentType === SESSION_TYPE ? [] : [name]));
      const keys = [...files, ...prefixes].sort();
      return { names: keys.map((key) => key.slice(prefix.length).replace(/\/$/, "")), next: nextPageToken };
    },
    isDirectory: async (name) => {
      const below = name === undefined ? prefix : `${prefix}${name}/`;
      return (await firstObject(context, below, call)) !== undefined;
    },
  };
}

/** When some object whose name begins with `prefix` was written; undefined if there is none. */
export async function firstObject(
  context: GcsContext,
  prefix: string,
  call: CallOptions | undefined,
): Promise<{ readonly modified: Date } | undefined> {
  for await (const [first] of pagesOf(context, prefix, call, 1)) {
    if (first !== undefined) return { modified: first.modified };
  }
  return undefined;
}

/** All objects whose name begins with `prefix`, a page at a time; a page may be empty. Objects may be removed meanwhile. */
export async function* pagesOf(
  context: GcsContext,
  prefix: string,
  call: CallOptions | undefined,
  count = MOST_NAMES,
): AsyncIterable<readonly { readonly name: string; readonly modified: Date }[]> {
  let pageToken: string | undefined;
  do {
    const page = await listObjects(context, { prefix, maxResults: count, pageToken }, call);
    yield page.items.map(({ name, updated }) => ({ name, modified: updated }));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
