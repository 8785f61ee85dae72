import type { ApiConfig } from "./api-config.js";
import type { RequestTarget } from "./exchange.js";
import {
  handlersOf,
  isRoutableName,
  isRoutableReference,
  pathPattern,
  referenceKind,
  type Handler,
  type ReferenceKind,
  type Route,
} from "./route.js";

/** A row of the table, prepared once for all its requests. */
export interface ServedRoute {
  readonly name: string;
  /** Matches paths of the right structure. Cheap: names and references are only checked in {@link targetOf}. */
  readonly pattern: RegExp;
  readonly accesses: Route["accesses"];
  readonly mounts: boolean;
  readonly filtered: boolean;
  /** Whether the path names a repository. */
  readonly hasName: boolean;
  readonly kind: ReferenceKind | undefined;
  readonly handlers: ReadonlyMap<string, Handler> | Handler;
  /** Its label in metrics. */
  readonly label: string;
}

export function serveRoute(route: Route, { http, storage }: ApiConfig): ServedRoute {
  return {
    name: route.name,
    pattern: pathPattern(route, http.prefix),
    accesses: route.accesses,
    mounts: route.mounts === true,
    filtered: route.filtered === true,
    hasName: route.path.includes("{name}"),
    kind: referenceKind(route),
    handlers: handlersOf(route, storage.maintenance.readonly.enabled),
    label: route.name.replaceAll("-", "_"),
  };
}

/** Interprets what the pattern found, its `captures` after the whole; undefined if the name or the reference doesn't fit the route's grammar. */
export function targetOf(
  { hasName, kind }: ServedRoute,
  captures: readonly (string | undefined)[],
  path: string,
  queryText: string,
): RequestTarget | undefined {
  const name = hasName ? (captures[1] ?? "") : "";
  const reference = kind === undefined ? "" : (captures[hasName ? 2 : 1] ?? "");
  if (hasName && !isRoutableName(name)) return undefined;
  if (kind !== undefined && !isRoutableReference(kind, reference)) return undefined;
  return { name, reference, path, queryText };
}
