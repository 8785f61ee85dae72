import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Router } from "@koa/router";
import type { AccessController } from "@longshore/auth";
import type { Registry } from "@longshore/storage";
import Koa from "koa";
import type { EventSettings } from "../notifications/contract.js";
import { errorFields, type Log } from "../observability/log.js";
import type { AccessOutcome } from "../observability/request-record.js";
import { createEndpoint } from "./dispatch.js";
import type { Api } from "./exchange.js";
import { createCatalogCursor } from "./catalog-cursor.js";
import { createClientAddress } from "./client-address.js";
import { createCorsPolicy } from "./cors/policy.js";
import { createObserver } from "./event-origin.js";
import { alive } from "./middleware/alive.js";
import { canonicalPath } from "./middleware/canonical-path.js";
import { cors } from "./middleware/cors.js";
import { API_VERSION, unmatched } from "./middleware/unmatched.js";
import type { ApiOptions } from "./options.js";
import { createRedirects, redirectsAnybody, type Redirects } from "./redirects.js";
import { markWaiting } from "./request-body.js";
import { pathPattern, ROUTES } from "./routes.js";
import { createUploadStates } from "./upload-state.js";
import { createUrlBuilder } from "./urls.js";

/** What the API is made of. */
export interface AppDependencies {
  readonly registry: Registry;
  readonly access: AccessController;
  readonly options: ApiOptions;
  readonly log: Log;
  /** Told of every decision of access control. */
  readonly onAccess?: ((outcome: AccessOutcome) => void) | undefined;
  /** Undefined or absent: nobody is told what requests do. */
  readonly events?: EventSettings | undefined;
}

/** Answers one request, of either protocol version. */
export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** Answers requests; made for `node:http` servers, and for the compatibility API of `node:http2`. */
export interface App {
  /** For the server's `request` event. */
  readonly onRequest: RequestListener;
  /** For its `checkContinue` event: clients that ask first are refused before they send their body. */
  readonly onCheckContinue: RequestListener;
}

/**
 * The whole API below the health gate, in the order of contract §1.1. Whoever runs it attaches a request record first, if
 * the request is to be seen in logs and metrics.
 */
export function createApp(dependencies: AppDependencies): App {
  const { registry, access, options, log } = dependencies;
  const urls = createUrlBuilder(options);
  const states = createUploadStates(options.secret);
  const policy = createCorsPolicy(options.cors, options.headers);
  const api: Api = {
    registry,
    options,
    urls,
    states,
    log,
    baseHeaders: [...API_VERSION, ...flatten(options.headers)],
    tokens: access.tokens,
    site: { urls, clientAddress: createClientAddress(options.trustedProxies ?? []) },
    redirects: redirectsOf(options.redirect),
    cursor: createCatalogCursor(options.secret),
    onAccess: dependencies.onAccess,
    observe: dependencies.events === undefined ? undefined : createObserver(registry, dependencies.events),
  };
  const { router, isServed } = createRoutes(api, access);

  const koa = new Koa();
  if (policy !== undefined) koa.use(cors(policy));
  koa.use(canonicalPath).use(alive).use(router.routes()).use(unmatched(isServed));
  // What gets here has broken outside a handler: a socket error behind an answer, or a fault in a middleware.
  koa.on("error", (error: unknown) => log.debug("connection failed", errorFields(error)));

  const handle = koa.callback();
  return {
    onRequest: (request, response) => void handle(request, response),
    onCheckContinue(request, response) {
      markWaiting(request);
      void handle(request, response);
    },
  };
}

function redirectsOf(option: ApiOptions["redirect"]): Redirects | undefined {
  const options = typeof option === "boolean" ? { enabled: option } : option;
  return redirectsAnybody(options) ? createRedirects(options) : undefined;
}

/** The table as a router, and whether a path is one of its. */
function createRoutes(api: Api, access: AccessController): { router: Router; isServed: (path: string) => boolean } {
  const router = new Router();
  const matchers = ROUTES.filter((route) => route.name !== "token" || api.tokens !== undefined).map((route) => {
    const pattern = pathPattern(route, api.options.prefix);
    const endpoint = createEndpoint(route, api, access);
    // The pattern is about structure only and thus cheap; the grammar of names is checked where it has matched.
    router.all(route.name, pattern, (context, next) => {
      const target = endpoint.target(context.captures ?? [], context.path, context.querystring);
      if (target === undefined) return next();
      context.respond = false;
      return endpoint.serve(context.req, context.res, target);
    });
    return (path: string) => {
      const match = pattern.exec(path);
      return match !== null && endpoint.target(match.slice(1), path, "") !== undefined;
    };
  });
  return { router, isServed: (path) => matchers.some((matches) => matches(path)) };
}

/** Names as Go writes them, whatever case the file or a variable gave them (contract §3.2): `x-foo` is sent as `X-Foo`. */
function flatten(headers: ApiOptions["headers"]): string[] {
  const canonical = (name: string): string =>
    name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  return Object.entries(headers).flatMap(([name, values]) => values.flatMap((value) => [canonical(name), value]));
}
