import { STATUS_CODES } from "node:http";

/** What came of one attempt: an answer, whatever it says, or none. */
type Outcome = { readonly kind: "answer"; readonly status: number } | { readonly kind: "none"; readonly error: string };

/** Posts bodies to one endpoint. */
export interface Poster {
  /** One attempt; never rejects. `headers`: name, value, name, value, …, beside the endpoint's own. */
  post(body: string, headers: readonly string[], signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}

export interface PosterOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** For the whole attempt, redirects included (ms). */
  readonly timeout: number;
}

/** As many redirects as Go's client follows. */
const MOST_REDIRECTS = 10;
/** What is read of an answer's body, so that its connection can be used again (bytes). */
const BODY_LIMIT = 64 * 1024;
/** How long it is waited for after the status (ms). */
const BODY_TIME = 250;
const USER_AGENT = "longshore";
/** Where a redirect leads to another host, what proves who we are stays here. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);
/** Go's client takes these from the request and not from the headers that it is given; nor could they be sent here. */
const UNUSED: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding", "trailer", "expect"]);

/** Makes the poster of an endpoint. The HTTP client is loaded now: a registry without endpoints does without. */
export async function createPoster(options: PosterOptions): Promise<Poster> {
  const { Agent, EnvHttpProxyAgent, request } = await import("undici");
  // As Go's client does, through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name.
  const proxied = ["http_proxy", "https_proxy"].some((name) => isSet(name) || isSet(name.toUpperCase()));
  const settings = { connections: 1, pipelining: 1 };
  const dispatcher = proxied ? new EnvHttpProxyAgent(settings) : new Agent(settings);
  const { url: first, headers: own } = withoutUserinfo(options);

  const send = async (body: string, headers: readonly string[], signal: AbortSignal): Promise<number> => {
    let url = first;
    let method: "POST" | "GET" = "POST";
    for (let redirects = 0; ; redirects += 1) {
      const sent = [...headers, ...own, "User-Agent", USER_AGENT];
      const answer = await request(url, {
        dispatcher,
        method,
        headers: url.origin === first.origin ? sent : withoutCredentials(sent),
        body: method === "POST" ? body : null,
        signal,
      });
      // The status alone counts, as for the original, whatever becomes of the body: to send again wouldn't bring a better one.
      const late = AbortSignal.any([signal, AbortSignal.timeout(BODY_TIME)]);
      await answer.body.dump({ limit: BODY_LIMIT, signal: late }).catch(() => undefined);
      const { location } = answer.headers;
      if (!isRedirect(answer.statusCode) || typeof location !== "string" || location === "") return answer.statusCode;
      if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
      // As browsers and Go do: only 307 and 308 keep method and body (RFC 9110 §15.4).
      if (answer.statusCode < 307) method = "GET";
      url = new URL(location, url);
      if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("redirected to another protocol");
    }
  };

  return {
    async post(body, headers, signal) {
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
        return { kind: "answer", status: await send(body, headers, attempt.signal) };
      } catch (error) {
        return { kind: "none", error: timing.late ? `no answer within ${options.timeout} ms` : describe(error) };
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

/** `http://user:password@host` means basic authentication. */
function withoutUserinfo({ url: text, headers }: PosterOptions): { url: URL; headers: readonly string[] } {
  const url = new URL(text);
  const used = Object.entries(headers).filter(([name]) => !UNUSED.has(name.toLowerCase()));
  const own = used.flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  if (url.username === "" && url.password === "") return { url, headers: own };
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  url.username = "";
  url.password = "";
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return { url, headers: given ? own : [...own, "Authorization", `Basic ${Buffer.from(pair).toString("base64")}`] };
}

/** As it is where it isn't percent-encoded: no registry stays away because of a password with a `%` in it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutCredentials(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name = "", value = ""] = headers.slice(index, index + 2);
    if (!CREDENTIALS.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/** In a line, and never with a header or a URL's password in it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "AbortError") return "the registry stopped";
  const cause = error.cause instanceof Error ? error.cause.message : "";
  return error.message || cause || ("code" in error ? String(error.code) : error.name);
}
