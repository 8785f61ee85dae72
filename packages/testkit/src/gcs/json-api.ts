import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { contentOf, joinContents, sliceContent } from "../s3/stand-in/content.js";
import { fromSortable, toSortable } from "../s3/stand-in/encoding.js";
import { emptyReply, type Reply } from "../s3/stand-in/reply.js";
import type { GcsRequest } from "./operations.js";
import { conditionNotMet, GcsRefusal, invalid } from "./refusal.js";
import type { GcsObject, GcsStore } from "./store.js";

/** What an operation works with. */
export interface GcsCall {
  readonly request: GcsRequest;
  readonly body: Buffer;
  readonly store: GcsStore;
  /** Bytes that one call of Rewrite copies. */
  readonly rewriteBytes: number;
}

const MOST_RESULTS = 1000;
const MOST_SOURCES = 32;

/** The parameters that each operation has; others are refused, so that a misspelt one is noticed. */
const PARAMETERS: Readonly<Partial<Record<GcsRequest["operation"], readonly string[]>>> = {
  Insert: ["uploadType", "name", "ifGenerationMatch", "fields"],
  Get: ["alt", "ifGenerationMatch", "generation"],
  GetMetadata: ["fields", "ifGenerationMatch", "generation"],
  List: ["prefix", "delimiter", "startOffset", "pageToken", "maxResults", "fields"],
  Delete: ["ifGenerationMatch"],
  Rewrite: ["rewriteToken", "fields"],
  Compose: ["ifGenerationMatch", "fields"],
};

export function checkParameters({ operation, query }: GcsRequest): void {
  const known = PARAMETERS[operation];
  for (const name of query.keys()) {
    if (known?.includes(name) === false) throw invalid(`${operation} has no parameter ${name}`);
  }
}

export function jsonReply(value: Readonly<Record<string, unknown>>, fields?: string, status = 200): Reply {
  const shown = fields === undefined ? value : pick(value, fields);
  const content = contentOf(Buffer.from(JSON.stringify(shown)));
  return { status, headers: { "content-type": "application/json; charset=UTF-8" }, content };
}

/** A partial response: the names in `fields`, of which one may have names of its own in parentheses. */
function pick(value: Readonly<Record<string, unknown>>, fields: string): Readonly<Record<string, unknown>> {
  const picked = new Map<string, unknown>();
  for (const [, name = "", inner] of fields.matchAll(/([A-Za-z]+)(?:\(([^)]*)\))?/g)) {
    const found = value[name];
    if (found === undefined) continue;
    picked.set(
      name,
      inner === undefined
        ? found
        : Array.isArray(found)
          ? found.map((each: unknown) => inside(each, inner))
          : inside(found, inner),
    );
  }
  return Object.fromEntries(picked);
}

function inside(value: unknown, fields: string): unknown {
  return isRecord(value) ? pick(value, fields) : value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function resourceOf(bucket: string, name: string, object: GcsObject): Readonly<Record<string, unknown>> {
  const { content, generation, modified, attributes } = object;
  const metadata = Object.fromEntries(attributes.metadata);
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    ...{ bucket, name, generation, metageneration: "1", contentType: attributes.contentType, storageClass: "STANDARD" },
    size: String(content.size),
    updated: modified.toISOString(),
    ...(attributes.metadata.size === 0 ? {} : { metadata }),
  };
}

export function insert({ request, body, store }: GcsCall): Reply {
  const { bucket, name, query, headers } = request;
  if (query.get("uploadType") !== "media") throw invalid("the stand-in has uploads of the type media only");
  if (name === "" || Buffer.byteLength(name) > 1024 || /[\r\n]/.test(name)) throw invalid("Invalid object name");
  const contentType = String(headers["content-type"] ?? "application/octet-stream");
  const object = store.put(bucket, name, contentOf(body), { contentType }, query.get("ifGenerationMatch"));
  return jsonReply(resourceOf(bucket, name, object), query.get("fields"));
}

function existing({ request, store }: GcsCall): GcsObject {
  const object = store.get(request.bucket, request.name);
  const wanted = request.query.get("ifGenerationMatch");
  if (wanted !== undefined && wanted !== object.generation) throw conditionNotMet();
  return object;
}

export function getMetadata(call: GcsCall): Reply {
  const { bucket, name, query } = call.request;
  return jsonReply(resourceOf(bucket, name, existing(call)), query.get("fields"));
}

export function getMedia(call: GcsCall): Reply {
  const { content, generation, attributes } = existing(call);
  const headers = {
    "content-type": attributes.contentType,
    "x-goog-generation": generation,
    "x-goog-stored-content-length": String(content.size),
    "accept-ranges": "bytes",
  };
  const range = call.request.headers["range"];
  if (range === undefined) return { status: 200, headers, content };
  const [, first = "", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(String(range)) ?? [];
  const end = last === "" ? content.size - 1 : Math.min(Number(last), content.size - 1);
  if (first === "" || Number(first) > end) {
    throw new GcsRefusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
  }
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${first}-${end}/${content.size}` },
    content: sliceContent(content, Number(first), end),
  };
}

export function remove(call: GcsCall): Reply {
  existing(call);
  call.store.delete(call.request.bucket, call.request.name);
  return emptyReply(204);
}

/** Names in the order of UTF-8, a piece at a time; `pageToken` is where the next one begins. */
export function list({ request, store }: GcsCall): Reply {
  const { bucket, query } = request;
  const [prefix, delimiter] = [toSortable(query.get("prefix") ?? ""), query.get("delimiter")];
  const limit = Math.min(MOST_RESULTS, Number(query.get("maxResults") ?? MOST_RESULTS));
  if (!(limit >= 1)) throw invalid("Invalid value for maxResults");
  // A token is for the same question only.
  const question = JSON.stringify(["prefix", "delimiter", "startOffset"].map((name) => query.get(name)));
  const after = readToken(query.get("pageToken"), question);
  const startOffset = toSortable(query.get("startOffset") ?? "");
  const items: Readonly<Record<string, unknown>>[] = [];
  const prefixes: string[] = [];
  let last = after;
  for (const key of store.bucket(bucket).keys(prefix, after)) {
    if (key < startOffset || (prefixes.length > 0 && key.startsWith(toSortable(prefixes.at(-1) ?? "")))) continue;
    // What lies below a prefix of the page before has been told already.
    if (after.endsWith("/") && delimiter !== undefined && key.startsWith(after)) continue;
    if (items.length + prefixes.length >= limit) {
      const nextPageToken = Buffer.from(JSON.stringify([question, last])).toString("base64url");
      return jsonReply({ kind: "storage#objects", ...shown(items, prefixes), nextPageToken }, query.get("fields"));
    }
    const cut = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut >= 0) {
      last = key.slice(0, cut + 1);
      prefixes.push(fromSortable(last));
    } else {
      last = key;
      const name = fromSortable(key);
      items.push(resourceOf(bucket, name, store.get(bucket, name)));
    }
  }
  return jsonReply({ kind: "storage#objects", ...shown(items, prefixes) }, query.get("fields"));
}

const pageToken = z.tuple([z.string(), z.string()]);

function readToken(token: string | undefined, question: string): string {
  if (token === undefined) return "";
  const [of, last] = pageToken.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
  if (of !== question) throw invalid("Invalid page token: the other parameters have changed");
  return last;
}

function shown(items: readonly unknown[], prefixes: readonly string[]): Readonly<Record<string, unknown>> {
  return { ...(items.length === 0 ? {} : { items }), ...(prefixes.length === 0 ? {} : { prefixes }) };
}

const composition = z.strictObject({
  sourceObjects: z.array(z.strictObject({ name: z.string(), generation: z.string().optional() })).min(1),
  destination: z.strictObject({ contentType: z.string() }),
});

export function compose({ request, body, store }: GcsCall): Reply {
  const { bucket, name, query } = request;
  const parsed = composition.safeParse(JSON.parse(body.toString()));
  if (!parsed.success) throw invalid("Invalid compose request");
  const { sourceObjects, destination } = parsed.data;
  if (sourceObjects.length > MOST_SOURCES) {
    throw invalid(`The number of source components provided (${sourceObjects.length} > ${MOST_SOURCES})`);
  }
  const contents = sourceObjects.map((source) => {
    const object = store.find(bucket, source.name);
    if (object === undefined) throw new GcsRefusal(404, "notFound", `Object ${source.name} (generation: 0) not found.`);
    return object.content;
  });
  const object = store.put(bucket, name, joinContents(contents), destination, query.get("ifGenerationMatch"));
  return jsonReply(resourceOf(bucket, name, object), query.get("fields"));
}

const attributes = z.strictObject({ contentType: z.string() });
/** How far copies have come, by their tokens. */
const running = new Map<string, { readonly of: string; readonly copied: number }>();

export function rewrite({ request, body, store, rewriteBytes }: GcsCall): Reply {
  const { bucket, name, target, query } = request;
  const source = store.get(bucket, name);
  const parsed = attributes.safeParse(JSON.parse(body.toString()));
  if (target === "" || !parsed.success) throw invalid("Invalid rewrite request");
  const of = createHash("sha256")
    .update(JSON.stringify([bucket, name, source.generation, target]))
    .digest("hex");
  const token = query.get("rewriteToken");
  const before = token === undefined ? undefined : running.get(token);
  if (token !== undefined && before?.of !== of) throw invalid("Invalid rewrite token");
  const copied = (before?.copied ?? 0) + rewriteBytes;
  const sizes = {
    totalBytesRewritten: String(Math.min(copied, source.content.size)),
    objectSize: String(source.content.size),
  };
  if (copied < source.content.size) {
    const rewriteToken = randomBytes(12).toString("hex");
    running.set(rewriteToken, { of, copied });
    return jsonReply({ kind: "storage#rewriteResponse", ...sizes, done: false, rewriteToken }, query.get("fields"));
  }
  const object = store.put(bucket, target, source.content, parsed.data);
  const resource = resourceOf(bucket, target, object);
  return jsonReply({ kind: "storage#rewriteResponse", ...sizes, done: true, resource }, query.get("fields"));
}
