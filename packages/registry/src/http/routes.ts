import type { Access } from "@longshore/auth";
import { isRepositoryName, isTagName, looksLikeDigest } from "@longshore/storage";
import type { Exchange } from "./exchange.js";
import { versionCheck } from "./handlers/version-check.js";
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
  /** The handlers by method, or one for every method. */
  readonly handlers: Readonly<Partial<Record<Method, Handler>>> | Handler;
}

/** The realm in the challenges of our own token endpoint. */
const TOKEN_PATH = "/auth/token";

const NOTHING: readonly Access[] = [];

const CATALOG: readonly Access[] = [{ type: "registry", name: "catalog", action: "*" }];

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GET: ["pull"],
  HEAD: ["pull"],
  POST: ["pull", "push"],
  PUT: ["pull", "push"],
  PATCH: ["pull", "push"],
  // Also for cancelling an upload.
  DELETE: ["delete"],
};

function repositoryAccess(method: string, name: string, from: string | undefined): readonly Access[] {
  const accesses = (ACTIONS[method] ?? []).map((action): Access => ({ type: "repository", name, action }));
  if (from !== undefined) accesses.push(sourceAccess(from));
  return accesses;
}

/** The access that a mount needs to the repository that it mounts from. */
export function sourceAccess(from: string): Access {
  return { type: "repository", name: from, action: "pull" };
}

/** Every route, beginning with those used by pulls. */
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
    mounts: true,
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
    mounts: true,
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
  { name: "base", path: "/v2/", accesses: () => NOTHING, handlers: versionCheck },
  // Served only where the access controller issues tokens. The first path is docker_auth's, which registries may have as their realm.
  { name: "token", path: "/auth", accesses: "own", handlers: { GET: issueToken, POST: issueToken } },
  { name: "token", path: TOKEN_PATH, accesses: "own", handlers: { GET: issueToken, POST: issueToken } },
];

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
