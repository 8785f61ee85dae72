import {
  CATALOG_ACCESS,
  MAINTENANCE_ACCESS,
  NO_ACCESS,
  repositoryAccess,
  type AccessesOf,
  type Handler,
  type Method,
  type Route,
} from "../route.js";
import type { Needs } from "./operation.js";
import { OPERATIONS } from "./operations.js";

const ACCESSES: Readonly<Record<Needs, AccessesOf>> = {
  login: () => NO_ACCESS,
  catalog: () => CATALOG_ACCESS,
  maintenance: () => MAINTENANCE_ACCESS,
  repository: repositoryAccess,
  tags: (method, name, from) => [
    ...(method === "DELETE" ? repositoryAccess("GET", name, undefined) : []),
    ...repositoryAccess(method, name, from),
  ],
  move: (method, name, from) => [
    ...repositoryAccess(method, name, from),
    ...(from === undefined ? [] : repositoryAccess("DELETE", from, undefined)),
  ],
};

/** The operations as rows of the route table: one for each path, whose operations all need the same. */
export const EXTENSION_ROUTES: readonly Route[] = [...new Set(OPERATIONS.map(({ path }) => path))].map((path) => {
  const handlers: Partial<Record<Method, Handler>> = {};
  let needs: Needs = "maintenance";
  for (const operation of OPERATIONS.filter((each) => each.path === path)) {
    needs = operation.needs;
    handlers[operation.method] = operation.handle;
    if (operation.method === "GET") handlers.HEAD = operation.handle;
  }
  const filtered = needs === "catalog" ? ({ filtered: true } as const) : {};
  return { name: nameOf(path), path, accesses: ACCESSES[needs], ...filtered, handlers };
});

/** The word for a path in metrics and in the audit log: `longshore-repository-images` for `_longshore/repository/images/{reference}`. */
function nameOf(path: string): string {
  const [, extension = "", component = "", module = ""] = /\/_(\w+)\/(\w+)\/(\w+)/.exec(path) ?? [];
  const name = `${extension}-${component}-${path.endsWith("{uuid}") ? module.replace(/s$/, "") : module}`;
  return path.startsWith("/v2/_") || component === "repository" ? name : `${name}-of-repository`;
}
