/** The calls that the stand-in knows; `Token`, `SignBlob` and `Metadata` are those of the services around. */
export type GcsOperation =
  | "Insert"
  | "Get"
  | "GetMetadata"
  | "List"
  | "Delete"
  | "Rewrite"
  | "Compose"
  | "SignedGet"
  | "InitiateUpload"
  | "UploadPart"
  | "CompleteUpload"
  | "AbortUpload"
  | "ListUploads"
  | "Token"
  | "SignBlob"
  | "Metadata";

/** A request as it came in. */
export interface GcsRequest {
  readonly operation: GcsOperation;
  readonly method: string;
  /** As it came, without the query. */
  readonly pathname: string;
  /** Decoded; empty where the operation has none. */
  readonly bucket: string;
  readonly name: string;
  /** Of a copy. */
  readonly target: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

type Place = Pick<GcsRequest, "operation" | "bucket" | "name" | "target">;

const JSON_API = "/storage/v1/b/";
const UPLOADS = "/upload/storage/v1/b/";

/** Undefined for what the stand-in doesn't know. */
export function readRequest(method: string, url: string, headers: GcsRequest["headers"]): GcsRequest | undefined {
  const { pathname, searchParams } = new URL(`http://gcs.invalid${url}`);
  const query = new Map(searchParams);
  const place = placeOf(method, pathname, query);
  return place === undefined ? undefined : { ...place, method, pathname, query, headers };
}

function placeOf(method: string, pathname: string, query: ReadonlyMap<string, string>): Place | undefined {
  const nowhere = { bucket: "", name: "", target: "" };
  if (pathname === "/token") return { ...nowhere, operation: "Token" };
  if (pathname.startsWith("/computeMetadata/")) return { ...nowhere, operation: "Metadata" };
  if (pathname.endsWith(":signBlob")) return { ...nowhere, operation: "SignBlob" };
  if (pathname.startsWith(UPLOADS)) return uploadPlace(method, pathname, query);
  if (pathname.startsWith(JSON_API)) return jsonPlace(method, pathname, query);
  return xmlPlace(method, pathname, query);
}

function uploadPlace(method: string, pathname: string, query: ReadonlyMap<string, string>): Place | undefined {
  const [bucket = "", collection] = pathname.slice(UPLOADS.length).split("/");
  if (method !== "POST" || collection !== "o") return undefined;
  return { operation: "Insert", bucket: decodeURIComponent(bucket), name: query.get("name") ?? "", target: "" };
}

function jsonPlace(method: string, pathname: string, query: ReadonlyMap<string, string>): Place | undefined {
  const [bucket = "", collection, name, verb, ...rest] = pathname
    .slice(JSON_API.length)
    .split("/")
    .map((part) => decodeURIComponent(part));
  if (collection !== "o") return undefined;
  const at = { bucket, name: name ?? "", target: "" };
  if (name === undefined) return method === "GET" ? { ...at, operation: "List" } : undefined;
  if (verb === "compose" && method === "POST") return { ...at, operation: "Compose" };
  if (verb === "rewriteTo" && method === "POST") return { ...at, operation: "Rewrite", target: rest[3] ?? "" };
  if (verb !== undefined) return undefined;
  if (method === "DELETE") return { ...at, operation: "Delete" };
  if (method !== "GET") return undefined;
  return { ...at, operation: query.get("alt") === "media" ? "Get" : "GetMetadata" };
}

function xmlPlace(method: string, pathname: string, query: ReadonlyMap<string, string>): Place | undefined {
  const [bucket = "", ...rest] = pathname.slice(1).split("/");
  const at = { bucket: decodeURIComponent(bucket), name: decodeURIComponent(rest.join("/")), target: "" };
  if (query.has("X-Goog-Signature")) return { ...at, operation: "SignedGet" };
  const kind = query.has("uploads") ? "uploads" : query.has("uploadId") ? "uploadId" : "";
  const operation = XML_OPERATIONS[`${method} ${kind}`];
  return operation === undefined ? undefined : { ...at, operation };
}

const XML_OPERATIONS: Readonly<Record<string, GcsOperation>> = {
  "GET uploads": "ListUploads",
  "POST uploads": "InitiateUpload",
  "PUT uploadId": "UploadPart",
  "POST uploadId": "CompleteUpload",
  "DELETE uploadId": "AbortUpload",
};
