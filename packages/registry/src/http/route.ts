import type { Access } from "@longshore/auth";
import { isRepositoryName, isTagName, looksLikeDigest } from "@longshore/storage";
import type { Exchange } from "./exchange.js";

/** Answers one method of a route. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** The methods that a route can have a handler for. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
/** One of {@link METHODS}. */
export type Method = (typeof METHODS)[number];

/** Those of {@link METHODS} that change nothing. */
const READING: readonly string[] = ["GET", "HEAD"];

/** The last path segment of a route. */
export type ReferenceKind = "reference" | "digest" | "uuid";

/** `from` is the parameter of a mount. */
export type AccessesOf = (method: string, name: string, from: string | undefined) => readonly Access[];

/** One row of the table: a path, the access that it requires, and its handlers. */
export interface Route {
  /** Distribution's name for it; with `_` for `-`, its label in metrics. */
  readonly name: string;
  /** After the prefix: `{name}` is a repository, `{reference}`, `{digest}` and `{uuid}` are one segment. */
  readonly path: string;
  /** What a request needs, in order (wire contract §4.1); `own`: the handler looks at credentials itself. */
  readonly accesses: AccessesOf | "own";
  /** Whether a POST may mount a blob and falls back to an upload, so that access to `from` isn't required. */
  readonly mounts?: true;
  /** Whether a page shows people who lack the access what of it they may pull. */
  readonly filtered?: true;
  /** The handlers by method, or one for every method. */
  readonly handlers: Readonly<Partial<Record<Method, Handler>>> | Handler;
}

/** Valid credentials are enough. */
export const NO_ACCESS: readonly Access[] = [];

/** Listing repositories. */
export const CATALOG_ACCESS: readonly Access[] = [{ type: "registry", name: "catalog", action: "*" }];

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GET: ["pull"],
  HEAD: ["pull"],
  POST: ["pull", "push"],
  PUT: ["pull", "push"],
  PATCH: ["pull", "push"],
  // Also for cancelling an upload.
  DELETE: ["delete"],
};

/** What a request for a repository needs (wire contract §4.1). `from` is the parameter of a mount or a copy. */
export function repositoryAccess(method: string, name: string, from: string | undefined): readonly Access[] {
  const accesses = (ACTIONS[method] ?? []).map((action): Access => ({ type: "repository", name, action }));
  if (from !== undefined) accesses.push(sourceAccess(from));
  return accesses;
}

/** What runs for all repositories at once: collections, policies. Rules grant it with `*` on the registry alone. */
export const MAINTENANCE_ACCESS: readonly [Access] = [{ type: "registry", name: "maintenance", action: "*" }];

/** The access that a mount needs to the repository that it mounts from. */
export function sourceAccess(from: string): Access {
  return { type: "repository", name: from, action: "pull" };
}

/** Matches the paths of `route` below `prefix` (which begins and ends with `/`), capturing the name and the last segment. */
export function pathPattern(route: Route, prefix: string): RegExp {
  const literal = `${prefix}${route.path.slice(1)}`.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  // Greedy, so that the last separator counts, as in Distribution (wire contract §1.3).
  return new RegExp(`^${literal.replace("{name}", "(.+)").replace(/\{\w+\}/g, "([^/]+)")}$`);
}

/** The kind of the last segment; undefined if the route has none. */
export function referenceKind(route: Route): ReferenceKind | undefined {
  const [, kind] = /\{(reference|digest|uuid)\}$/.exec(route.path) ?? [];
  return kind === "reference" || kind === "digest" || kind === "uuid" ? kind : undefined;
}

/**
 * Whether a path with `name` matches its route. A name that is too long, or invalid only because it contains a port or an
 * address, matches and is then refused with NAME_INVALID. With any other invalid name, the path is unknown (wire contract
 * §1.3).
 */
export function isRoutableName(name: string): boolean {
  return isRepositoryName(name) || name.length > 255 || /[[\]:]/.test(name);
}

/** Whether Distribution's router accepts `text` as a segment of this kind (wire contract §1.3). */
export function isRoutableReference(kind: ReferenceKind, text: string): boolean {
  switch (kind) {
    case "reference":
      return isTagName(text) || looksLikeDigest(text);
    case "digest":
      return looksLikeDigest(text);
    case "uuid":
      return /^[a-zA-Z0-9\-_.=]+$/.test(text);
  }
}

/** The active handlers: on a read-only registry only those that read, although tokens are still issued. */
export function handlersOf(route: Route, readOnly: boolean): ReadonlyMap<string, Handler> | Handler {
  if (typeof route.handlers === "function") return route.handlers;
  const entries = Object.entries(route.handlers);
  return new Map(
    readOnly && route.accesses !== "own" ? entries.filter(([method]) => READING.includes(method)) : entries,
  );
}
