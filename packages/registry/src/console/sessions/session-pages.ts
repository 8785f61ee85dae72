import {
  isAuthError,
  type Access,
  type AccessController,
  type AuthRequest,
  type KeptLogin,
  type LoginWay,
} from "@longshore/auth";
import { z } from "zod";
import { ApiError } from "../../errors/api-error.js";
import { HttpAuthRequest } from "../../http/access/auth-request.js";
import { readSmallBody } from "../../http/body/small-body.js";
import type { Exchange } from "../../http/exchange.js";
import { MAINTENANCE_ACCESS, CATALOG_ACCESS, type Route } from "../../http/route.js";
import { recordOf } from "../../observability/request-record.js";
import { isFromOwnPage } from "./own-page.js";
import { isPage, quiet } from "./session-access.js";
import { readCookie, setCookie } from "./session-cookie.js";
import type { Sessions } from "./sessions.js";

/** What {@link sessionRoute} works with. */
export interface SessionPagesOptions {
  /** Without sessions: they are looked up here. */
  readonly access: AccessController;
  readonly sessions: Sessions;
  /** Of sessions (ms). */
  readonly lifetime: number;
  /** Where the console is, below the registry's address. */
  readonly routePath: string;
  readonly version: string;
}

/** What the page has to know of the registry, and of who looks at it. */
interface SessionDocument {
  /** Null: not logged in. */
  readonly account: string | null;
  readonly logins: readonly LoginWay[];
  /** Whether somebody who isn't logged in may see anything. */
  readonly anonymous: boolean;
  readonly rights: Readonly<Record<Right, boolean>>;
  /** Where clients find the registry: scheme, host and path before `/v2/`, without a closing slash. */
  readonly address: string;
  /** What stands before a repository's name in commands, such as `registry.example:5000`. */
  readonly host: string;
  /** From the page to the path before `v2/`: empty, or `../` for each folder of `console.path`. */
  readonly root: string;
  /** Empty for those who aren't logged in. */
  readonly version: string;
  /** What the registry is configured to do at all. */
  readonly features: {
    readonly activity: boolean;
    readonly deletion: boolean;
    readonly inventory: boolean;
    readonly maintenance: boolean;
    readonly tokens: boolean;
  };
}

/** Rights that aren't about one repository. */
const RIGHTS = {
  /** To see the names of all repositories. */
  catalog: CATALOG_ACCESS,
  /** To run maintenance, and see how the registry does. */
  maintenance: MAINTENANCE_ACCESS,
  /** To manage the tokens of others, and robots. */
  tokens: [{ type: "registry", name: "tokens", action: "*" }],
} as const satisfies Readonly<Record<string, readonly Access[]>>;

type Right = keyof typeof RIGHTS;

const CREDENTIALS = z.strictObject({ account: z.string().min(1), password: z.string().min(1) });

/** The most bytes of a login. */
const BODY_LIMIT = 16 * 1024;

/** Where the page logs in and out, and learns who looks at it. */
export function sessionRoute(options: SessionPagesOptions): Route {
  const { access, sessions, lifetime, routePath, version } = options;
  const { logins, ways = [] } = access;

  async function show(exchange: Exchange): Promise<void> {
    const request = withoutCredentials(authRequestOf(exchange));
    const kept = isPage(request) ? readCookie(request) : undefined;
    const login = kept === undefined ? undefined : await sessions.find(kept);
    const decide = async (accesses: readonly Access[]) =>
      logins === undefined
        ? access.authorize(request, accesses, exchange)
        : logins.authorize(login, request, accesses, exchange);
    const account = (await allowed(() => decide([])))?.account;
    const rights = await Promise.all(
      Object.entries(RIGHTS).map(async ([right, needed]) => [
        right,
        (await allowed(() => decide(needed))) !== undefined,
      ]),
    );
    const { config, pages, inventory, maintenance, watching } = exchange.shared;
    const isOpen = access.name === "none";
    const isKnown = account !== undefined && account !== "";
    const document: SessionDocument = {
      account: isKnown ? account : null,
      logins: ways,
      anonymous: isOpen || logins?.anonymous === true,
      rights: Object.fromEntries(rights) as Record<Right, boolean>,
      address: request.baseUrl,
      host: hostOf(request.baseUrl),
      root: "../".repeat(routePath.split("/").length - 2),
      version: isKnown || isOpen ? version : "",
      features: {
        activity: watching !== undefined,
        deletion: config.storage.delete.enabled && !config.storage.maintenance.readonly.enabled,
        inventory: inventory !== undefined,
        maintenance: maintenance !== undefined,
        tokens: pages.some(({ path }) => path === "/auth/tokens"),
      },
    };
    exchange.json(200, `${JSON.stringify(document)}\n`, ["Cache-Control", "no-store"]);
  }

  async function logIn(exchange: Exchange): Promise<void> {
    const record = recordOf(exchange.request);
    if (record !== undefined) record.question = { action: "login", login: "password" };
    const request = authRequestOf(exchange);
    assertOwnPage(request);
    if (logins === undefined) throw new ApiError("UNSUPPORTED", { detail: "this registry takes no passwords" });
    const credentials = await readCredentials(exchange);
    const login = await quietly(() => logins.logIn(credentials, request, exchange));
    const before = readCookie(request);
    const kept = await sessions.begin(login);
    if (before !== undefined) await sessions.end(before);
    note(exchange, login);
    exchange.end(204, [
      "Cache-Control",
      "no-store",
      "Set-Cookie",
      setCookie(request, kept, Math.floor(lifetime / 1000)),
    ]);
  }

  async function logOut(exchange: Exchange): Promise<void> {
    const record = recordOf(exchange.request);
    if (record !== undefined) record.question = { action: "logout" };
    const request = authRequestOf(exchange);
    assertOwnPage(request);
    const kept = readCookie(request);
    if (kept !== undefined) {
      const login = await sessions.find(kept);
      await sessions.end(kept);
      if (login !== undefined) note(exchange, login);
    }
    exchange.end(204, ["Cache-Control", "no-store", "Set-Cookie", setCookie(request, "", 0)]);
  }

  return {
    name: "console-session",
    path: `${routePath}_console/session`,
    accesses: "own",
    handlers: { GET: show, HEAD: show, POST: logIn, DELETE: logOut },
  };
}

function authRequestOf({ request, shared }: Exchange): HttpAuthRequest {
  return new HttpAuthRequest(request, shared.site);
}

/** The same request without the header that passwords could be tried with here, where nothing records or answers for it. */
function withoutCredentials(request: HttpAuthRequest): AuthRequest & Pick<HttpAuthRequest, "baseUrl"> {
  const { method, remoteAddress, believed, secure, peerCertificate, baseUrl } = request;
  const headers = { ...request.headers, authorization: undefined };
  return { method, headers, remoteAddress, believed, secure, peerCertificate, baseUrl };
}

function note({ request, shared }: Exchange, { account, source }: KeptLogin): void {
  shared.onAccess?.("allowed");
  const record = recordOf(request);
  if (record === undefined) return;
  record.user = account;
  record.access = { outcome: "allowed", account, source };
}

/** Refuses what other sites make a browser send: it must neither log in nor log out. */
function assertOwnPage(request: HttpAuthRequest): void {
  if (isFromOwnPage(request)) return;
  throw new ApiError("DENIED", { detail: "only this registry's own page may log somebody in or out" });
}

/** Undefined for what isn't granted. Throws what isn't a decision. */
async function allowed<T>(decide: () => Promise<T>): Promise<T | undefined> {
  try {
    return await decide();
  } catch (error) {
    if (isAuthError(error, "UNAUTHENTICATED") || isAuthError(error, "DENIED")) return undefined;
    throw error;
  }
}

/** Refusals of `work`, without a challenge that a browser answers itself. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw quiet(error);
  }
}

/** JSON alone: a form, which any page on the web can have a browser send, isn't read. Throws PARAMETER_INVALID. */
async function readCredentials(exchange: Exchange): Promise<z.output<typeof CREDENTIALS>> {
  const type = exchange.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new ApiError("PARAMETER_INVALID", { status: 415, detail: "the body must be application/json" });
  using body = await readSmallBody(exchange.body(exchange.shared.formTimeout), {
    limit: BODY_LIMIT,
    tooLarge: () => new ApiError("SIZE_INVALID", { status: 413, detail: "the body is too large" }),
    budget: exchange.shared.formBudget,
  });
  const parsed = CREDENTIALS.safeParse(parseJson(Buffer.from(body.bytes).toString("utf8")));
  if (parsed.success) return parsed.data;
  throw new ApiError("PARAMETER_INVALID", { detail: 'expected {"account": …, "password": …}' });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hostOf(baseUrl: string): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : "";
}
