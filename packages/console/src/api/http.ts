import { DecodeError, isRecord, type Decoder } from "./decode.js";
import { ApiFailure, kindOf } from "./failure.js";

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly query?: Query;
  readonly accept?: string;
  /** Of a stream: where to go on. */
  readonly after?: string | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** From the page to the registry; known from the session, which is read before anything is asked of the registry. */
let root = "";

/** Says how the registry is reached from the page: `../` for a page one folder below. */
export function placeRegistry(path: string): void {
  root = path;
}

/** The address, from the page, of a path of the registry's, such as `v2/`. */
export function inRegistry(path: string): string {
  return `./${root}${path}`;
}

/** What is below `v2/` is the registry's, and anything else the page's own; both are below whatever prefix. */
function addressOf(path: string, query: Query = {}): URL {
  const url = new URL(path.startsWith("v2/") ? inRegistry(path) : path, new URL(".", document.baseURI));
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

/** Sends a request with the browser's session. Throws ApiFailure unless the answer is a success. */
export async function send(
  path: string,
  { method = "GET", query, accept, after, body, signal }: Call = {},
): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: accept ?? "application/json",
    // No form of another site can send it, and the registry answers without a browser's own login dialogue.
    "Longshore-Console": "1",
  };
  if (after !== undefined) headers["Last-Event-ID"] = after;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options: RequestInit = { method, headers, credentials: "same-origin", redirect: "follow" };
  if (body !== undefined) options.body = JSON.stringify(body);
  if (signal !== undefined) options.signal = signal;
  let response: Response;
  try {
    response = await fetch(addressOf(path, query), options);
  } catch (error) {
    signal?.throwIfAborted();
    throw new ApiFailure("unreachable", 0, error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

/** The JSON that the registry answers. Throws ApiFailure if it refuses, or if `decode` doesn't know the answer. */
export async function ask<T>(path: string, decode: Decoder<T>, call: Call = {}): Promise<T> {
  const response = await send(path, call);
  const value = await jsonOf(response);
  try {
    return decode(value, "answer");
  } catch (error) {
    if (error instanceof DecodeError) throw new ApiFailure("unexpected", response.status, error.message);
    throw error;
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

/** Reads the specification's error envelope (distribution-spec §Error Codes). */
async function failureOf(response: Response): Promise<ApiFailure> {
  const { status } = response;
  const document = await jsonOf(response);
  const errors: unknown = isRecord(document) ? document["errors"] : undefined;
  const error: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isRecord(error)) return new ApiFailure(kindOf(status), status, response.statusText);
  const { message, detail } = error;
  return new ApiFailure(
    kindOf(status),
    status,
    typeof message === "string" ? message : response.statusText,
    typeof detail === "string" ? detail : undefined,
  );
}
