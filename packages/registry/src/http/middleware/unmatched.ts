import type { Context, Middleware } from "koa";
import { encodePath } from "../path.js";
import { textHeaders } from "../text.js";
import { settleRequest } from "../unread-body.js";

/** The header by which old clients know a registry; on everything but `/` and the health gate (contract §1.1). */
export const API_VERSION: readonly string[] = ["Docker-Distribution-Api-Version", "registry/2.0"];

/** A path that nobody serves: sent to its other spelling where only a trailing slash is amiss, else refused (contract §1.2). */
export function unmatched(isServed: (path: string) => boolean): Middleware {
  return (context) => {
    const { path } = context;
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    if (isServed(other)) redirect(context, encodePath(other));
    else sendPlain(context, 404, "404 page not found\n");
  };
}

/** 301 to `path` with the query kept. Go's library adds a little HTML for those who look (contract §1.2). */
export function redirect(context: Context, path: string): void {
  const location = context.querystring === "" ? path : `${path}?${context.querystring}`;
  const isRead = context.method === "GET" || context.method === "HEAD";
  const body = isRead ? `<a href="${escapeHtml(location)}">Moved Permanently</a>.\n\n` : "";
  const type = isRead ? ["Content-Type", "text/html; charset=utf-8"] : [];
  send(context, 301, ["Location", location, ...type, "Content-Length", String(Buffer.byteLength(body))], body);
}

/** A plain-text answer outside all routes. */
export function sendPlain(context: Context, status: number, body: string): void {
  send(context, status, textHeaders(body), body);
}

function send(context: Context, status: number, headers: string[], body: string): void {
  context.respond = false;
  const { req, res } = context;
  res.writeHead(status, settleRequest(req, res, API_VERSION.concat(headers)));
  if (req.method === "HEAD" || body === "") res.end();
  else res.end(body);
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
