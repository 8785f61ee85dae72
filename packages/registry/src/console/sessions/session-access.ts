import {
  AuthError,
  isAuthError,
  type Access,
  type AccessController,
  type AuthorizeOptions,
  type AuthPage,
  type AuthRequest,
  type Grant,
  type KeptLogin,
  type PageAnswer,
  type PageRequest,
} from "@longshore/auth";
import { PAGE_HEADER } from "../../http/cors/policy.js";
import { isFromOwnPage } from "./own-page.js";
import { readCookie, setCookie } from "./session-cookie.js";
import type { Sessions } from "./sessions.js";

/** What {@link withSessions} works with. */
export interface SessionAccessOptions {
  readonly access: AccessController;
  readonly sessions: Sessions;
  /** Of sessions (ms). */
  readonly lifetime: number;
  /** Where the console is, below the registry's address. */
  readonly path: string;
}

/** Says that a login is needed without making the browser ask for it itself, as it does on `Basic`. */
const QUIET_CHALLENGE = 'Longshore-Console realm="log in on the page"';

/** `access` for which a request from the console's page stands for whom its browser's session says. */
export function withSessions(options: SessionAccessOptions): AccessController {
  const { access, sessions, lifetime, path } = options;
  const { logins } = access;

  /** Decides on a request that is known to be from our own page. */
  async function authorizePage(
    request: AuthRequest,
    accesses: readonly Access[],
    call: AuthorizeOptions | undefined,
  ): Promise<Grant> {
    try {
      // What a page says itself, such as a token of another server, counts more than what the browser adds.
      if (logins === undefined || request.headers["authorization"] !== undefined)
        return { ...(await access.authorize(request, accesses, call)), toPage: true };
      const login = await loginOf(sessions, request);
      const grant = await logins.authorize(login, request, accesses, call);
      const bySession = login !== undefined && grant.account === login.account ? true : undefined;
      return { ...grant, toPage: true, bySession };
    } catch (error) {
      throw quiet(error);
    }
  }

  return {
    ...access,
    authorize: (request, accesses, call) =>
      isPage(request) ? authorizePage(request, accesses, call) : access.authorize(request, accesses, call),
    pages: access.pages?.map((page) => withLogin(page)),
    reload: async () => access.reload?.(),
    close: () => access.close(),
  };

  function withLogin(page: AuthPage): AuthPage {
    return {
      ...page,
      async answer(request, call) {
        if (!isPage(request)) return begun(request, await page.answer(request, call));
        try {
          const login = await loginOf(sessions, request);
          return await begun(request, await page.answer({ ...request, login }, call));
        } catch (error) {
          throw quiet(error);
        }
      },
    };
  }

  /** The answer to a login at a provider: with a session, on the console's page. */
  async function begun(request: PageRequest, answer: PageAnswer): Promise<PageAnswer> {
    if (answer.login === undefined) return answer;
    const kept = await sessions.begin(answer.login);
    const cookie = setCookie(request, kept, Math.floor(lifetime / 1000));
    const location = `${request.baseUrl ?? ""}${path}`;
    const own = answer.headers["set-cookie"] ?? [];
    const cookies = [...(typeof own === "string" ? [own] : own), cookie];
    return { ...answer, status: 303, headers: { ...answer.headers, location, "set-cookie": cookies }, body: "" };
  }
}

/** Whether it is from our own page, and of the console: other pages of the host keep what they know. */
export function isPage(request: AuthRequest): boolean {
  const { headers } = request;
  if (headers[PAGE_HEADER] === undefined && headers["cookie"] === undefined) return false;
  return (headers[PAGE_HEADER] === "1" || readCookie(request) !== undefined) && isFromOwnPage(request);
}

async function loginOf(sessions: Sessions, request: AuthRequest): Promise<KeptLogin | undefined> {
  const kept = readCookie(request);
  return kept === undefined ? undefined : sessions.find(kept);
}

/** A refusal that no browser answers with a dialogue of its own. */
export function quiet(error: unknown): unknown {
  if (!isAuthError(error) || error.fault.code !== "UNAUTHENTICATED") return error;
  return new AuthError({ ...error.fault, challenge: QUIET_CHALLENGE }, { cause: error });
}
