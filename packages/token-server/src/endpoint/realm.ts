import type { AuthRequest } from "@longshore/auth";

/** `path` at the address where the client found this registry. */
export function realmOf({ baseUrl, headers, secure }: AuthRequest, path: string): string {
  if (baseUrl !== undefined) return baseUrl + path;
  const host = headers["host"];
  return `${secure ? "https" : "http"}://${typeof host === "string" ? host : ""}${path}`;
}
