import { AuthError } from "@longshore/auth";
import { z } from "zod";
import { boundedFetch, type BoundedRequest } from "../bounded-fetch.js";
import { LoginRefused } from "../provider.js";

const USER = z.object({ id: z.number(), login: z.string().min(1) });
const TEAMS = z.array(z.object({ slug: z.string(), organization: z.object({ login: z.string() }) }));
const ORGANIZATIONS = z.array(z.object({ organization: z.object({ login: z.string() }), state: z.string() }));

/** A GitHub account with what it belongs to. */
export interface GitHubAccount {
  readonly id: number;
  readonly login: string;
  /** In lower case. */
  readonly organizations: readonly string[];
  /** `acme/developers`, in lower case. */
  readonly teams: readonly string[];
}

const PAGE = 100;
/** More organisations or teams than fit on these pages aren't looked at. */
const MOST_PAGES = 10;

/** The account that `token` is for. Throws {@link LoginRefused} if the token has ended, AuthError UNAVAILABLE. */
export async function readAccount(api: string, token: string): Promise<GitHubAccount> {
  const { id, login } = await get(`${api}/user`, token, USER);
  const memberships = await getAll(`${api}/user/memberships/orgs?state=active`, token, ORGANIZATIONS);
  const teams = await getAll(`${api}/user/teams`, token, TEAMS);
  return {
    id,
    login,
    organizations: memberships
      .filter(({ state }) => state === "active")
      .map(({ organization }) => organization.login.toLowerCase()),
    teams: teams.map(({ slug, organization }) => `${organization.login}/${slug}`.toLowerCase()),
  };
}

async function getAll<T>(url: string, token: string, schema: z.ZodType<T[]>): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const separator = url.includes("?") ? "&" : "?";
    const items = await get(`${url}${separator}per_page=${PAGE}&page=${page}`, token, schema);
    all.push(...items);
    if (items.length < PAGE) break;
  }
  return all;
}

async function get<T>(url: string, token: string, schema: z.ZodType<T>): Promise<T> {
  const response = await ask(url, {
    headers: { accept: "application/vnd.github+json", authorization: `Bearer ${token}`, "user-agent": "longshore" },
  });
  if (response.status === 401) throw new LoginRefused("GitHub has ended this login.");
  if (response.status !== 200) throw unavailable(`it answered ${response.status}`);
  return parse(response, schema);
}

/** Sends a form to an endpoint of OAuth 2, whose errors come with a status of 200. Throws AuthError UNAVAILABLE. */
export async function postForm<T>(
  url: string,
  form: Readonly<Record<string, string | undefined>>,
  schema: z.ZodType<T>,
): Promise<T> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) if (value !== undefined) body.set(name, value);
  const response = await ask(url, { method: "POST", headers: { accept: "application/json" }, body });
  if (response.status >= 500 || response.status === 429) throw unavailable(`it answered ${response.status}`);
  return parse(response, schema);
}

async function ask(url: string, request: BoundedRequest): Promise<Response> {
  try {
    return await boundedFetch(url, request);
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : "unknown fault", error);
  }
}

async function parse<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(await response.json());
  } catch {
    throw unavailable("its answer can't be read");
  }
}

function unavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason: `GitHub can't be asked now: ${reason}` }, { cause });
}
