import { Router } from "@koa/router";
import type { ApiState, MatchedStep, Step } from "./context.js";
import { Exchange, type SharedState, type RequestTarget } from "./exchange.js";
import { pageRoute } from "./handlers/auth-page.js";
import { ROUTES } from "./routes.js";
import { serveRoute, targetOf } from "./served-route.js";

/** The route table as Koa's router. */
export interface Routes {
  /** Finds the route of a request and leaves it on `ctx.state.matched`. */
  readonly match: Step;
  /** Whether a route serves `path`. */
  readonly isServed: (path: string) => boolean;
}

/** The routes of `shared`, without the token route if the access controller issues no tokens. */
export function createRoutes(shared: SharedState): Routes {
  const router = new Router<ApiState>();
  const routes = new Map(
    [
      ...ROUTES.filter((route) => route.name !== "token" || shared.tokens !== undefined),
      ...shared.pages.map((page) => pageRoute(page)),
    ].map((route) => [route.path, serveRoute(route, shared.config)]),
  );
  for (const [path, route] of routes) {
    router.all(path, route.pattern, (context, next) => {
      const target = targetOf(route, context.captures ?? [], context.path, context.querystring);
      if (target !== undefined) {
        context.state.matched = { route, exchange: new Exchange(shared, context, renamed(shared, target)) };
      }
      return next();
    });
  }
  return {
    match: router.routes(),
    isServed: (path) =>
      router.match(path, "GET").path.some((layer) => {
        const route = routes.get(layer.name ?? "");
        return route !== undefined && targetOf(route, layer.captures(path), path, "") !== undefined;
      }),
  };
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
