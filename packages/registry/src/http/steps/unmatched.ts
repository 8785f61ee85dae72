import type { ApiContext, Responder } from "../context.js";
import { encodePath } from "../path.js";
import { respond } from "../response/respond.js";
import { textHeaders } from "../response/text.js";

/**
 * The header by which old clients recognise a registry; on every response but those of `/` and the health gate (wire
 * contract §1.1).
 */
export const API_VERSION: readonly string[] = ["Docker-Distribution-Api-Version", "registry/2.0"];

/**
 * Handles paths that no route serves: redirects if adding or removing a trailing slash gives one that is served, and
 * otherwise refuses (wire contract §1.2).
 */
export function unmatched(isServed: (path: string) => boolean): Responder<ApiContext> {
  return (context) => {
    const { path = "" } = context;
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    if (isServed(other)) redirect(context, encodePath(other));
    else sendPlain(context, 404, "404 page not found\n");
    return undefined;
  };
}

/** Redirects (301) to `path`, keeping the query. Like Go's library, it adds a little HTML (wire contract §1.2). */
export function redirect(context: ApiContext, path: string): void {
  const location = context.queryText === "" ? path : `${path}?${context.queryText}`;
  const isRead = context.method === "GET" || context.method === "HEAD";
  const body = isRead ? `<a href="${escapeHtml(location)}">Moved Permanently</a>.\n\n` : "";
  const type = isRead ? ["Content-Type", "text/html; charset=utf-8"] : [];
  respond(context, 301, API_VERSION.concat("Location", location, type), body);
}

/** Sends a plain-text response outside of all routes. */
export function sendPlain(context: ApiContext, status: number, body: string): void {
  respond(context, status, API_VERSION.concat(textHeaders()), body);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
