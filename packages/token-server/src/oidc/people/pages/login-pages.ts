import { timingSafeEqual } from "node:crypto";
import {
  AuthError,
  type AuthLog,
  type AuthPage,
  type KeptLogin,
  type PageAnswer,
  type PageRequest,
} from "@longshore/auth";
import { MINUTE } from "@longshore/base/duration";
import { randomNonce, randomPKCECodeVerifier, randomState } from "openid-client";
import { z } from "zod";
import type { KeptToken } from "../../../personal-tokens/token-record.js";
import { LoginRefused, type LoginChecks, type LoginProvider, type ProvidedLogin } from "../provider.js";
import { storageAvailable } from "../sessions/login-sessions.js";
import type { Sealer } from "../sessions/seal.js";
import type { UsedStates } from "../sessions/used-states.js";
import { escapeHtml, htmlPage } from "./html.js";
import type { TokenIssuer } from "./issue-token.js";
import { readCookie, setCookie } from "./login-cookie.js";

const ATTEMPT = z.object({
  provider: z.string(),
  redirectUri: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Whether the browser itself is to be logged in, and needs no token. */
  browser: z.boolean().default(false),
});

/** A login that a browser has begun: sealed in its cookie, so that nothing is kept for those who never come back. */
export type LoginAttempt = z.output<typeof ATTEMPT>;

/** Reads what a sealer for attempts has opened. */
export function parseAttempt(value: unknown): LoginAttempt | undefined {
  return ATTEMPT.safeParse(value).data;
}

/** What {@link loginPages} works with. */
export interface LoginPagesOptions {
  readonly providers: readonly LoginProvider[];
  readonly attempts: Sealer<LoginAttempt>;
  readonly used: UsedStates;
  readonly issue: TokenIssuer;
  /** Keeps who logged in with a browser. Throws what `issue` throws. */
  readonly begin: (provider: LoginProvider, login: ProvidedLogin) => Promise<KeptLogin>;
  readonly log: AuthLog;
  /** What people are told to log in to; undefined: where the page is. */
  readonly registry?: string | undefined;
  /** Whether logins are at docker_auth's paths, too, and are completed there. */
  readonly dockerAuthPaths?: boolean | undefined;
}

/** How long somebody may take to log in (ms). */
const ATTEMPT_LIFETIME = 10 * MINUTE;

const LOGIN_PATH = "/auth/login";

/** The parameter of a login that ends in the browser, without a token. */
const BROWSER = "browser";

/** Where a browser is logged in by a provider. */
export function browserLoginPath(provider: string): string {
  return `${LOGIN_PATH}/${provider}?${BROWSER}=true`;
}

/** A login in a browser, which ends with a personal access token for `docker login`. There is nothing that could redirect elsewhere. */
export function loginPages(options: LoginPagesOptions): readonly AuthPage[] {
  const { providers, attempts, used, issue, log, registry, dockerAuthPaths = false } = options;

  function list({ baseUrl = "" }: PageRequest): PageAnswer {
    const links = providers.map(({ name, title }) => {
      const href = escapeHtml(`${pathOf(baseUrl)}${LOGIN_PATH}/${name}`);
      return `<li><a href="${href}">Log in with ${escapeHtml(title)}</a></li>\n`;
    });
    return htmlPage(200, "Log in to the registry", `<ul>\n${links.join("")}</ul>\n`);
  }

  async function begin(provider: LoginProvider, request: PageRequest): Promise<PageAnswer> {
    const checks: LoginChecks = {
      redirectUri: `${request.baseUrl ?? ""}${dockerAuthPaths ? dockerAuthPath(provider) : callbackOf(provider)}`,
      state: randomState(),
      nonce: randomNonce(),
      verifier: randomPKCECodeVerifier(),
    };
    const location = await provider.authorize(checks);
    const browser = request.query.get(BROWSER) === "true";
    const cookie = await attempts.seal({ ...checks, provider: provider.name, browser }, ATTEMPT_LIFETIME);
    return {
      ...htmlPage(303, "Log in", ""),
      headers: {
        location: location.href,
        "set-cookie": setCookie(request, cookie, ATTEMPT_LIFETIME / 1000),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      },
      body: "",
    };
  }

  async function complete(provider: LoginProvider, request: PageRequest): Promise<PageAnswer> {
    const attempt = await attempts.open(readCookie(request) ?? "");
    if (attempt === undefined)
      throw new LoginRefused("This login has expired, or began in another browser. Start again.");
    const state = request.query.get("state") ?? "";
    if (attempt.provider !== provider.name || !isSame(state, attempt.state)) {
      throw new LoginRefused("This answer doesn't belong to the login that this browser has begun. Start again.");
    }
    const login = await provider.redeem(request.query, attempt);
    const once = async <T>(work: () => Promise<T>): Promise<T> =>
      storageAvailable(async () => {
        if (!(await used.use(state))) throw new LoginRefused("This login was completed already. Start again.");
        return work();
      });
    if (attempt.browser) {
      const known = await once(() => options.begin(provider, login));
      const page = htmlPage(200, "You are logged in", "", {
        headers: { "set-cookie": setCookie(request, "", 0) },
        account: known.account,
        audit: { outcome: "allowed", source: provider.name },
      });
      return { ...page, login: known };
    }
    const { text, kept } = await once(() => issue(provider, login));
    return htmlPage(200, "You are logged in", tokenText(text, kept, registry ?? hostOf(request)), {
      headers: { "set-cookie": setCookie(request, "", 0) },
      account: kept.account,
      audit: { outcome: "allowed", source: provider.name, token: kept.id },
    });
  }

  function page(path: string, provider: LoginProvider, respond: typeof begin): AuthPage {
    return {
      path,
      methods: ["GET"],
      audited: "login",
      async answer(request) {
        try {
          return await respond(provider, request);
        } catch (error) {
          return failurePage(error, provider, request, log);
        }
      },
    };
  }

  /** docker_auth has one page for both. */
  const both: typeof begin = (provider, request) => (request.query.has("state") ? complete : begin)(provider, request);

  return [
    ...(dockerAuthPaths ? providers.map((provider) => page(dockerAuthPath(provider), provider, both)) : []),
    { path: LOGIN_PATH, methods: ["GET"], answer: (request) => Promise.resolve(list(request)) },
    ...providers.flatMap((provider) => [
      page(`${LOGIN_PATH}/${provider.name}`, provider, begin),
      page(callbackOf(provider), provider, complete),
    ]),
  ];
}

function callbackOf({ name }: LoginProvider): string {
  return `${LOGIN_PATH}/${name}/callback`;
}

/** Where docker_auth has the logins of a provider. */
function dockerAuthPath({ name }: LoginProvider): string {
  return name === "openid" ? "/oidc_auth" : `/${name}_auth`;
}

function hostOf({ baseUrl = "" }: PageRequest): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : "REGISTRY";
}

function tokenText(text: string, { account, expires, id }: KeptToken, host: string): string {
  const until = expires === undefined ? "" : ` until ${new Date(expires).toISOString().slice(0, 10)}`;
  // What a provider calls an account mustn't become a part of a command that people copy. The token alone says who it is.
  const user = /^[A-Za-z0-9._@/+-]+$/.test(account) ? account : "token";
  const command = `docker login -u ${user} ${host}`;
  return (
    `<p>You are <strong>${escapeHtml(account)}</strong>. This is your personal access token. ` +
    `It is good${until}, and it is shown this once:</p>\n<pre>${escapeHtml(text)}</pre>\n` +
    `<p>Give it as the password to:</p>\n<pre>${escapeHtml(command)}</pre>\n<p>Its name in lists is ${escapeHtml(id)}.</p>\n`
  );
}

/** What went wrong, for the person, with a way back; the cause is for the log. */
function failurePage(
  error: unknown,
  { title, name }: LoginProvider,
  { baseUrl = "" }: PageRequest,
  log: AuthLog,
): PageAnswer {
  const again = `<p><a href="${escapeHtml(`${pathOf(baseUrl)}${LOGIN_PATH}/${name}`)}">Start again</a></p>\n`;
  if (error instanceof LoginRefused) {
    const cause = error.cause instanceof Error ? error.cause.message : "";
    log.info("a login was refused", {
      provider: name,
      reason: error.message,
      ...(cause === "" ? {} : { error: cause }),
    });
    const body = `<p>${escapeHtml(error.message)}</p>\n${again}`;
    return htmlPage(403, "The login failed", body, { audit: { outcome: "denied", source: name } });
  }
  if (error instanceof AuthError && error.code === "UNAVAILABLE") {
    log.error("a login can't be completed at the moment", { provider: name, error: error.message });
    return htmlPage(
      503,
      "The login can't be completed now",
      `<p>${escapeHtml(title)} can't be asked now. Try again later.</p>\n${again}`,
    );
  }
  throw error;
}

/** Where this registry is below its host. */
function pathOf(baseUrl: string): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).pathname.replace(/\/$/, "") : "";
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
