import { formatBasic } from "@longshore/base/basic";
import { STATUS_CODES } from "node:http";

/** The outcome of one attempt: a response with any status, or none. */
type Outcome = { readonly kind: "answer"; readonly status: number } | { readonly kind: "none"; readonly error: string };

/** Posts bodies to one endpoint. */
export interface Poster {
  /**
   * Makes one attempt; never rejects. `headers` (name, value, name, value, …) are sent in addition to the endpoint's own.
   * `signature` likewise, but only to the endpoint's own origin.
   */
  post(body: string, headers: readonly string[], signal: AbortSignal, signature?: readonly string[]): Promise<Outcome>;
  close(): Promise<void>;
}

export interface PosterOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** The time limit of the whole attempt, including redirects (ms). */
  readonly timeout: number;
}

/** The number of redirects that Go's client follows. */
const MOST_REDIRECTS = 10;
/** How much of a response's body is read so that its connection can be reused (bytes). */
const BODY_LIMIT = 64 * 1024;
/** How long to wait for the body after the status (ms). */
const BODY_TIME = 250;
const USER_AGENT = "longshore";
/** Go's client sets these itself and ignores configured values; they couldn't be sent here either. */
const UNUSED: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding", "trailer", "expect"]);

/**
 * Creates the poster of an endpoint. The HTTP client is loaded here, because a registry without endpoints doesn't need it.
 */
export async function createPoster(options: PosterOptions): Promise<Poster> {
  const { Agent, EnvHttpProxyAgent, request } = await import("undici");
  // Like Go's client, uses the proxy set by HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
  const proxied = ["http_proxy", "https_proxy"].some((name) => isSet(name) || isSet(name.toUpperCase()));
  const settings = { connections: 1, pipelining: 1 };
  const dispatcher = proxied ? new EnvHttpProxyAgent(settings) : new Agent(settings);
  const { url: first, headers: own } = withoutUserinfo(options);

  const send = async (
    body: string,
    headers: readonly string[],
    secret: readonly string[],
    signal: AbortSignal,
  ): Promise<number> => {
    let url = first;
    let method: "POST" | "GET" = "POST";
    for (let redirects = 0; ; redirects += 1) {
      const isOwn = url.origin === first.origin;
      const answer = await request(url, {
        dispatcher,
        method,
        // An endpoint's headers may hold secrets under any name, so they are sent only to the origin that the operator
        // configured.
        headers: [...headers, ...(isOwn ? [...own, ...secret] : []), "User-Agent", USER_AGENT],
        body: method === "POST" ? body : null,
        signal,
      });
      // Only the status counts, as in Distribution, even if reading the body fails: sending again wouldn't help.
      const late = AbortSignal.any([signal, AbortSignal.timeout(BODY_TIME)]);
      await answer.body.dump({ limit: BODY_LIMIT, signal: late }).catch(() => undefined);
      const { location } = answer.headers;
      if (!isRedirect(answer.statusCode) || typeof location !== "string" || location === "") return answer.statusCode;
      if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
      // Like browsers and Go: only 307 and 308 keep the method and the body (RFC 9110 §15.4).
      if (answer.statusCode < 307) method = "GET";
      url = redirectTarget(location, url);
    }
  };

  return {
    async post(body, headers, signal, signature = []) {
      const attempt = new AbortController();
      const timing = { late: false };
      const timer = setTimeout(() => {
        timing.late = true;
        attempt.abort();
      }, options.timeout);
      const stop = (): void => attempt.abort();
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop, { once: true });
      try {
        return { kind: "answer", status: await send(body, headers, signature, attempt.signal) };
      } catch (error) {
        return { kind: "none", error: timing.late ? `no response within ${options.timeout} ms` : describe(error) };
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      }
    },
    close: () => dispatcher.destroy(),
  };
}

/** The status as Go spells it: `200 OK`. */
export function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}

function isSet(name: string): boolean {
  return (process.env[name] ?? "") !== "";
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The target of a redirect, which must be within the same origin, or the same host over TLS; throws otherwise. A receiver
 * that could choose another host could make the registry send requests into its own network (for example to metadata
 * services).
 */
function redirectTarget(location: string, url: URL): URL {
  if (!URL.canParse(location, url.href)) throw new Error("the receiver redirects to an invalid address");
  const target = new URL(location, url);
  const isUpgrade = url.protocol === "http:" && target.protocol === "https:" && target.hostname === url.hostname;
  if (target.origin !== url.origin && !isUpgrade)
    throw new Error(
      `the receiver redirects to ${target.protocol}//${target.host}; set the endpoint's url to its address`,
    );
  return target;
}

/** `http://user:password@host` means basic authentication. */
function withoutUserinfo({ url: text, headers }: PosterOptions): { url: URL; headers: readonly string[] } {
  const url = new URL(text);
  const used = Object.entries(headers).filter(([name]) => !UNUSED.has(name.toLowerCase()));
  const own = used.flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  if (url.username === "" && url.password === "") return { url, headers: own };
  const authorization = formatBasic({ user: decoded(url.username), password: decoded(url.password) });
  url.username = "";
  url.password = "";
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return { url, headers: given ? own : [...own, "Authorization", authorization] };
}

/**
 * Decodes a percent-encoded value; one that isn't encoded is kept, so that a `%` in a password doesn't prevent the start.
 */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Describes an error in one line, without headers or a URL's password. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.name === "AbortError") return "the registry stopped";
  const cause = error.cause instanceof Error ? error.cause.message : "";
  return error.message || cause || ("code" in error ? String(error.code) : error.name);
}
