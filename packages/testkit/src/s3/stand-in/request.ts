import type { IncomingMessage } from "node:http";
import { parseQuery, uriDecode } from "./encoding.js";
import { S3Refusal } from "./refusal.js";

/** A request as S3 understands it. */
export interface S3Request {
  readonly method: string;
  /** Decoded, with its leading slash. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Lowercase names; repeated lines joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Empty where the request concerns none. */
  readonly bucket: string;
  /** Empty where the request concerns a bucket. */
  readonly key: string;
}

/** Reads method, path, query and headers. Throws {@link S3Refusal} where the URI is broken. */
export function readRequest(message: IncomingMessage): S3Request {
  const target = message.url ?? "/";
  const at = target.indexOf("?");
  const path = uriDecode(at < 0 ? target : target.slice(0, at));
  const query = parseQuery(at < 0 ? "" : target.slice(at + 1));
  if (path === undefined || query === undefined) throw new S3Refusal(400, "InvalidURI", "Couldn't parse the URI.");
  const headers = new Map<string, string>();
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    const name = (message.rawHeaders[i] ?? "").toLowerCase();
    const value = message.rawHeaders[i + 1] ?? "";
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return { method: message.method ?? "GET", path, query, headers, ...locate(path, headers.get("host") ?? "") };
}

/** The bucket stands in front of `localhost` or `s3.test` (virtual-host style), or first in the path. */
function locate(path: string, host: string): { bucket: string; key: string } {
  const [, label] = /^([a-z0-9.-]+)\.(?:localhost|s3\.test)(?::\d+)?$/.exec(host) ?? [];
  if (label !== undefined) return { bucket: label, key: path.slice(1) };
  const slash = path.indexOf("/", 1);
  return slash < 0 ? { bucket: path.slice(1), key: "" } : { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}

export function parameter(request: S3Request, name: string): string | undefined {
  return request.query.find(([each]) => each === name)?.[1];
}

/** A count in the query; `fallback` where it is absent. */
export function countParameter(request: S3Request, name: string, fallback: number): number {
  const text = parameter(request, name);
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,9}$/.test(text)) {
    throw new S3Refusal(400, "InvalidArgument", `Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Number(text);
}
