import type { Access } from "@longshore/auth";
import { isRepositoryName, isTagName, looksLikeDigest } from "@longshore/storage";
import type { Exchange } from "./exchange.js";
import { base } from "./handlers/base.js";
import { deleteBlob, getBlob } from "./handlers/blobs.js";
import { listRepositories } from "./handlers/catalog.js";
import { deleteManifest, getManifest } from "./handlers/manifests.js";
import { putManifest } from "./handlers/push-manifest.js";
import { listReferrers } from "./handlers/referrers.js";
import { listTags } from "./handlers/tags.js";
import { issueToken } from "./handlers/token.js";
import { deleteUpload, getUpload, patchUpload, putUpload, withoutSession } from "./handlers/upload-session.js";
import { startUpload } from "./handlers/uploads.js";

/** Answers one method of a route. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** The methods that a route can have a handler for. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
type Method = (typeof METHODS)[number];

/** Those of {@link METHODS} that change nothing. */
const READING: readonly string[] = ["GET", "HEAD"];

/** The last path segment of a route. */
export type ReferenceKind = "reference" | "digest" | "uuid";

/** `from` is the parameter of a mount. */
type AccessesOf = (method: string, name: string, from: string | undefined) => readonly Access[];

/** One row of the table. */
export interface Route {
  /** As in the original, and its label in metrics with `_` for `-`. */
  readonly name: string;
  /** Behind the prefix: `{name}` is a repository, `{reference}`, `{digest}` and `{uuid}` are one segment. */
  readonly path: string;
  /** What a request needs, in order (contract §4.1); `own`: the handler looks at credentials itself. */
  readonly accesses: AccessesOf | "own";
  /** The handlers by method, or one for every method there is. */
  readonly handlers: Readonly<Partial<Record<Method, Handler>>> | Handler;
}

/** Where the challenges of our own token endpoint send clients. */
const TOKEN_PATH = "/auth/token";

const NOTHING: readonly Access[] = [];

const CATALOG: readonly Access[] = [{ type: "registry", name: "catalog", action: "*" }];

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GET: ["pull"],
  HEAD: ["pull"],
  POST: ["pull", "push"],
  PUT: ["pull", "push"],
  PATCH: ["pull", "push"],
  // Also for giving an upload up.
  DELETE: ["delete"],
};

function repositoryAccess(method: string, name: string, from: string | undefined): readonly Access[] {
  const accesses = (ACTIONS[method] ?? []).map((action): Access => ({ type: "repository", name, action }));
  if (from !== undefined) accesses.push({ type: "repository", name: from, action: "pull" });
  return accesses;
}

/** Every route, with what it needs and who answers. Those that pulls use come first. */
export const ROUTES: readonly Route[] = [
  {
    name: "manifest",
    path: "/v2/{name}/manifests/{reference}",
    accesses: repositoryAccess,
    handlers: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  {
    name: "blob",
    path: "/v2/{name}/blobs/{digest}",
    accesses: repositoryAccess,
    handlers: { GET: getBlob, HEAD: getBlob, DELETE: deleteBlob },
  },
  {
    name: "blob-upload-chunk",
    path: "/v2/{name}/blobs/uploads/{uuid}",
    accesses: repositoryAccess,
    handlers: {
      GET: getUpload,
      HEAD: getUpload,
      POST: startUpload,
      PATCH: patchUpload,
      PUT: putUpload,
      DELETE: deleteUpload,
    },
  },
  {
    name: "blob-upload",
    path: "/v2/{name}/blobs/uploads/",
    accesses: repositoryAccess,
    handlers: {
      GET: withoutSession,
      HEAD: withoutSession,
      POST: startUpload,
      PATCH: withoutSession,
      PUT: withoutSession,
      DELETE: withoutSession,
    },
  },
  {
    name: "referrers",
    path: "/v2/{name}/referrers/{digest}",
    accesses: repositoryAccess,
    handlers: { GET: listReferrers, HEAD: listReferrers },
  },
  { name: "tags", path: "/v2/{name}/tags/list", accesses: repositoryAccess, handlers: { GET: listTags } },
  { name: "catalog", path: "/v2/_catalog", accesses: () => CATALOG, handlers: { GET: listRepositories } },
  { name: "base", path: "/v2/", accesses: () => NOTHING, handlers: base },
  // Served only where the access controller issues tokens.
  { name: "token", path: TOKEN_PATH, accesses: "own", handlers: { GET: issueToken, POST: issueToken } },
];

/** Paths of `route` below `prefix` (which begins and ends with `/`), its name and its last segment captured. */
export function pathPattern(route: Route, prefix: string): RegExp {
  const literal = `${prefix}${route.path.slice(1)}`.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  // Greedy, so that the last separator counts, as in the original (contract §1.3).
  return new RegExp(`^${literal.replace("{name}", "(.+)").replace(/\{\w+\}/, "([^/]+)")}$`);
}

/** The kind of the last segment; undefined where the route has none. */
export function referenceKind(route: Route): ReferenceKind | undefined {
  const [, kind] = /\{(reference|digest|uuid)\}$/.exec(route.path) ?? [];
  return kind === "reference" || kind === "digest" || kind === "uuid" ? kind : undefined;
}

/**
 * Whether `name` gets to a handler. One that is too long, or that only a port or an address in it keeps from being
 * stored, does so to be refused as NAME_INVALID; any other misspelt name is a path that nobody serves (contract §1.3).
 */
export function isRoutableName(name: string): boolean {
  return isRepositoryName(name) || name.length > 255 || /[[\]:]/.test(name);
}

/** Whether `text` is what the original's router takes for a segment of this kind (contract §1.3). */
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

/** The handlers that are left: reading ones only on a read-only registry, where tokens are issued all the same. */
export function handlersOf(route: Route, readOnly: boolean): ReadonlyMap<string, Handler> | Handler {
  if (typeof route.handlers === "function") return route.handlers;
  const entries = Object.entries(route.handlers);
  return new Map(
    readOnly && route.accesses !== "own" ? entries.filter(([method]) => READING.includes(method)) : entries,
  );
}
