import {
  AuthError,
  isAuthError,
  type AuthLog,
  type AuthPage,
  type Clock,
  type PageAnswer,
  type PageRequest,
} from "@longshore/auth";
import { z } from "zod";
import type { TokenSite } from "../../contract.js";
import type { LastUse } from "../last-use.js";
import { documentOf, type TokenDocument } from "../token-document.js";
import type { KeptToken } from "../token-record.js";
import type { TokenStore } from "../token-store.js";
import { describeToken, TokenWishError, type TokenWish } from "../token-wish.js";
import { contextOf, identifyCaller, type TokenCaller } from "./token-caller.js";

/** What {@link tokenPages} works with. */
export interface TokenPagesOptions {
  readonly store: TokenStore;
  readonly lastUse: LastUse;
  /** Undefined: there is nobody to ask who calls, and there are no pages. */
  readonly site: TokenSite | undefined;
  readonly service: string;
  readonly clock: Clock;
  readonly log: AuthLog;
  /** Of a person's token (ms); 0: any. */
  readonly maxLifetime: number;
  /** Called after a token was revoked. */
  readonly forget: () => void;
}

const WISH = z.strictObject({
  account: z.string().optional(),
  robot: z.string().optional(),
  name: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  expires: z.string().optional(),
  labels: z.record(z.string(), z.array(z.string())).optional(),
  source: z.string().optional(),
});

/** Tokens that an answer lists at most. */
const MOST_LISTED = 1000;

/** The API of personal access tokens: `/auth/tokens`, with Basic credentials and JSON. */
export function tokenPages(options: TokenPagesOptions): readonly AuthPage[] {
  const { store, lastUse, site, service, clock, log, maxLifetime, forget } = options;
  if (site === undefined) return [];
  const { sources } = site;

  async function documentFor(token: KeptToken): Promise<TokenDocument> {
    return documentOf(token, await lastUse.read(token.id));
  }

  async function list(caller: TokenCaller, query: URLSearchParams): Promise<PageAnswer> {
    const all = query.get("all") === "true";
    const account = query.get("account") ?? caller.account;
    if (all || account !== caller.account) await assertAdmin(caller);
    const after = query.get("after") ?? "";
    const tokens: TokenDocument[] = [];
    const damaged: string[] = [];
    let last: string | undefined;
    let next: string | undefined;
    for await (const { id, token } of store.list(all ? undefined : account)) {
      if (id <= after) continue;
      if (tokens.length + damaged.length === MOST_LISTED) {
        next = last;
        break;
      }
      if (token === undefined) damaged.push(id);
      else tokens.push(await documentFor(token));
      last = id;
    }
    return json(200, { tokens, ...(damaged.length === 0 ? {} : { damaged }), next }, caller);
  }

  async function create(caller: TokenCaller, request: PageRequest): Promise<PageAnswer> {
    if (!caller.byPassword)
      throw denied(caller, "a token can't be created with a token: log in with the account's password");
    const wish = parseWish(request);
    const isOwn = wish.robot === undefined && (wish.account ?? caller.account) === caller.account;
    if (!isOwn) await assertAdmin(caller);
    // What its holder says of labels would be believed: a person has those of the account.
    if (isOwn && (wish.labels !== undefined || wish.source !== undefined)) {
      throw invalid("labels and source are for tokens of others and robots");
    }
    const full = isOwn ? { ...wish, account: caller.account, source: caller.source } : wish;
    const policy = { now: clock(), maxLifetime, creator: caller.account, sources };
    const { text, kept } = await store.create(describe(full, policy));
    log.info("a personal access token was created", { id: kept.id, account: kept.account, by: caller.account });
    return json(201, { ...documentOf(kept, undefined), token: text }, caller, kept.id);
  }

  async function one(caller: TokenCaller, request: PageRequest): Promise<PageAnswer> {
    const id = request.path.slice(request.path.lastIndexOf("/") + 1);
    const listed = await store.read(id);
    const account = listed?.token?.account;
    // Whether others have such a token isn't told.
    if (listed === undefined || (account !== caller.account && !(await caller.isAdmin()))) return missing(caller);
    if (request.method !== "DELETE") {
      return json(
        200,
        listed.token === undefined ? { id, damaged: true } : await documentFor(listed.token),
        caller,
        id,
      );
    }
    await store.remove(id);
    await lastUse.remove(id);
    forget();
    log.info("a personal access token was revoked", { id, account, by: caller.account });
    return { status: 204, headers: {}, body: "", ...decided(caller, id) };
  }

  const page = (
    path: string,
    methods: AuthPage["methods"],
    respond: (caller: TokenCaller, request: PageRequest) => Promise<PageAnswer>,
  ): AuthPage => ({
    path,
    methods,
    audited: "tokens",
    answer: (request, call) =>
      available(async () => respond(await identifyCaller(request, site, contextOf(request, service, call)), request)),
  });

  return [
    page("/auth/tokens", ["GET", "POST"], (caller, request) =>
      request.method === "POST" ? create(caller, request) : list(caller, request.query),
    ),
    page("/auth/tokens/{id}", ["GET", "DELETE"], one),
  ];
}

function describe(wish: TokenWish, policy: Parameters<typeof describeToken>[1]): ReturnType<typeof describeToken> {
  try {
    return describeToken(wish, policy);
  } catch (error) {
    if (error instanceof TokenWishError) throw invalid(error.message);
    throw error;
  }
}

/** JSON alone: a form, which any page on the web can have a browser send, isn't read. */
function parseWish({ headers, body }: PageRequest): TokenWish {
  const type = headers["content-type"];
  if (typeof type !== "string" || !/^application\/json(?:;|$)/i.test(type))
    throw invalid("the body must be application/json");
  const parsed = WISH.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "it can't be read"}`.replace(/^: /, ""));
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw invalid("the body is not JSON");
  }
}

async function assertAdmin(caller: TokenCaller): Promise<void> {
  if (!(await caller.isAdmin()))
    throw denied(caller, "the rules don't grant registry:tokens:*, which tokens of others and robots need");
}

function denied({ account }: TokenCaller, detail: string): AuthError {
  return new AuthError({ code: "DENIED", reason: detail, account, detail });
}

function invalid(reason: string): AuthError {
  return new AuthError({ code: "INVALID_REQUEST", reason });
}

function missing(caller: TokenCaller): PageAnswer {
  const errors = [{ code: "NOT_FOUND", message: "there is no such token" }];
  return json(404, { errors }, caller);
}

function json(status: number, document: unknown, caller: TokenCaller, token?: string): PageAnswer {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: JSON.stringify(document), ...decided(caller, token) };
}

/** For the audit log. */
function decided({ account, source }: TokenCaller, token: string | undefined): Pick<PageAnswer, "account" | "audit"> {
  return { account, audit: { outcome: "allowed", source, token } };
}

/** The storage's faults as AuthError UNAVAILABLE. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAuthError(error)) throw error;
    const reason = `personal access tokens can't be read or changed: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "UNAVAILABLE", reason }, { cause: error });
  }
}
