import type { IncomingHttpHeaders } from "node:http";

/** The Content-Type without parameters, in lower case; empty where there is none. */
export function mediaTypeOf(headers: IncomingHttpHeaders): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
