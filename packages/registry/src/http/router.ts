import { escapeRegExp } from "@longshore/base/regexp";
import { Router } from "@koa/router";
import type { ApiContext, ApiState, MatchedStep, Step } from "./context.js";
import { Exchange, type SharedState, type RequestTarget } from "./exchange.js";
import { EXTENSION_ROUTES } from "./extension/routes.js";
import { pageRoute } from "./handlers/auth-page.js";
import type { Route } from "./route.js";
import { ROUTES } from "./routes.js";
import { serveRoute, targetOf, type ServedRoute } from "./served-route.js";

/** The route table as Koa's router. */
export interface Routes {
  /** Finds the route of a request and leaves it on `ctx.state.matched`. */
  readonly match: Step;
  /** Whether a route serves `path`. */
  readonly isServed: (path: string) => boolean;
}

/** The routes of `shared`, without the token route if the access controller issues no tokens, and `more`. */
export function createRoutes(shared: SharedState, more: readonly Route[] = []): Routes {
  const router = new Router<ApiState>();
  const serve = (context: ApiContext, route: ServedRoute, captures: readonly (string | undefined)[]): boolean => {
    const target = targetOf(route, captures, context.path, context.querystring);
    if (target === undefined) return false;
    context.state.matched = { route, exchange: new Exchange(shared, context, renamed(shared, target)) };
    return true;
  };
  const routes = new Map(
    [
      ...ROUTES.filter((route) => !EXTENSION_ROUTES.includes(route)).filter(
        (route) => route.name !== "token" || shared.tokens !== undefined,
      ),
      ...shared.pages.map((page) => pageRoute(page)),
      ...more,
    ].map((route) => [route.path, serveRoute(route, shared.config)]),
  );
  for (const [path, route] of routes) {
    router.all(path, route.pattern, (context, next) => {
      serve(context, route, context.captures ?? []);
      return next();
    });
  }
  // Behind one pattern, because the router tries all of them for every request.
  const extensions = EXTENSION_ROUTES.map((route) => serveRoute(route, shared.config));
  router.all(EXTENSIONS, extensionPattern(shared.config.http.prefix), (context, next) => {
    extensions.some((route) => {
      const found = route.pattern.exec(context.path);
      return found !== null && serve(context, route, found.slice(1));
    });
    return next();
  });
  const isServedBy = (route: ServedRoute, path: string): boolean => {
    const found = route.pattern.exec(path);
    return found !== null && targetOf(route, found.slice(1), path, "") !== undefined;
  };
  return {
    match: router.routes(),
    isServed: (path) => [...routes.values(), ...extensions].some((route) => isServedBy(route, path)),
  };
}

/** The router's name for all extensions. */
const EXTENSIONS = "extensions";

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

/** Runs `step` only for requests that a route has matched. */
export function onRoute(step: MatchedStep): Step {
  return (context, next) => {
    const { matched } = context.state;
    return matched === undefined ? next() : step(matched, next);
  };
}
