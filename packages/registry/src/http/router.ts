import { escapeRegExp } from "@longshore/base/regexp";
import type { ApiContext, Matched, Responder, Step } from "./context.js";
import { Exchange, type SharedState, type RequestTarget } from "./exchange.js";
import { EXTENSION_ROUTES } from "./extension/routes.js";
import { pageRoute } from "./handlers/auth-page.js";
import type { Route } from "./route.js";
import { ROUTES } from "./routes.js";
import { serveRoute, targetOf, type ServedRoute } from "./served-route.js";

/** The route table in use. */
export interface Routes {
  /** Passes requests that a route matches to `matched`, and the others on. */
  readonly match: (matched: Responder<Matched>) => Step;
  /** Whether a route serves `path`. */
  readonly isServed: (path: string) => boolean;
}

/** A route, and what a path asks of it. */
interface Found {
  readonly route: ServedRoute;
  readonly target: RequestTarget;
}

/** The routes of `shared`, without the token route if the access controller issues no tokens, and `more`. */
export function createRoutes(shared: SharedState, more: readonly Route[] = []): Routes {
  const serve = (route: Route): ServedRoute => serveRoute(route, shared.config);
  const routes = [
    ...ROUTES.filter((route) => !EXTENSION_ROUTES.includes(route)).filter(
      (route) => route.name !== "token" || shared.tokens !== undefined,
    ),
    ...shared.pages.map((page) => pageRoute(page)),
    ...more,
  ].map(serve);
  const extensions = EXTENSION_ROUTES.map(serve);
  const extensionPaths = extensionPattern(shared.config.http.prefix);
  const find = (path: string, queryText: string): Found | undefined =>
    findRoute(routes, path, queryText) ??
    // There are many of them, and few requests are for one.
    (extensionPaths.test(path) ? findRoute(extensions, path, queryText) : undefined);
  return {
    match: (matched) => (next) => (context) => {
      const found = find(context.path ?? "", context.queryText);
      return found === undefined ? next(context) : matched(matchedBy(found, shared, context));
    },
    isServed: (path) => find(path, "") !== undefined,
  };
}

function findRoute(routes: readonly ServedRoute[], path: string, queryText: string): Found | undefined {
  for (const route of routes) {
    const captures = route.pattern.exec(path);
    const target = captures === null ? undefined : targetOf(route, captures, path, queryText);
    if (target !== undefined) return { route, target };
  }
  return undefined;
}

function matchedBy({ route, target }: Found, shared: SharedState, context: ApiContext): Matched {
  return { route, exchange: new Exchange(shared, context, renamed(shared, target)) };
}

/** What every path of an extension begins with: no repository's name has a component that begins with `_`. */
function extensionPattern(prefix: string): RegExp {
  return new RegExp(`^${escapeRegExp(prefix)}v2/(?:.+/)?_[a-z]+/`);
}

/** The target by the name that its repository has here, where clients may call it otherwise. */
function renamed({ nameFor }: SharedState, target: RequestTarget): RequestTarget {
  if (nameFor === undefined || target.name === "") return target;
  const namespace = target.queryText.includes("ns=") ? new URLSearchParams(target.queryText).get("ns") : null;
  return { ...target, name: nameFor(target.name, namespace ?? undefined) };
}
