import { formatBasic } from "@longshore/base/basic";
import { redactText } from "@longshore/base/redact";
import { headers, key } from "@longshore/options/declare";
import type { Agent } from "undici";
import { z } from "zod";
import { declareChecks, scheduleOptions, timeoutOption } from "../kind.js";
import { deadlineSignal, reason } from "../wait.js";

const uri = key(z.url({ protocol: /^https?$/ }), {
  meaning: "The URL that gets a HEAD request.",
  type: "URL",
  allowed: "a URL that begins with http:// or https://",
});

const statuscode = key(
  z
    .int()
    .min(0)
    .max(599)
    .transform((value) => value || 200)
    .prefault(200),
  {
    meaning: "The status expected when healthy.",
    type: "integer",
    allowed: "an HTTP status from 100 to 599",
    fallback: "200",
  },
);

type Headers = Readonly<Record<string, string[]>>;

interface HttpTarget {
  readonly uri: string;
  readonly headers: Headers;
  readonly statuscode: number;
}

/** Sends a HEAD request that must get the expected status after following redirects. */
export const httpCheck = declareChecks(
  { meaning: "Checks of HTTP servers that this registry depends on.", env: "HTTPCHECKERS" },
  {
    name: "http",
    meaning: "An HTTP check.",
    options: {
      uri,
      headers: headers("Headers of the request.", { secret: true }),
      statuscode,
      timeout: timeoutOption(),
      ...scheduleOptions(),
    },
    choose: ({ timeout, interval, threshold, successthreshold, ...target }) => ({
      label: { option: "uri", text: redactText(target.uri) },
      open: () => ({
        name: redactText(target.uri),
        interval,
        threshold,
        successthreshold,
        check: (signal) => checkHttp(target, deadlineSignal(signal, timeout)),
      }),
    }),
  },
);

/** The number that Distribution's HTTP client follows. */
const MOST_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

async function checkHttp(target: HttpTarget, signal: AbortSignal): Promise<void> {
  const shown = redactText(target.uri);
  const status = await finalStatus(target, signal).catch((error: unknown) => {
    throw new Error(`${shown}: error while checking: ${reason(error)}`, { cause: error });
  });
  if (status !== target.statuscode)
    throw new Error(`${shown}: downstream service returned unexpected status: ${status}`);
}

/** Each run connects anew, since a server that accepts no connections isn't healthy. The signal alone limits its time. */
async function finalStatus(target: HttpTarget, signal: AbortSignal): Promise<number> {
  const { Agent } = await import("undici");
  const agent = new Agent({ connect: { timeout: 0 }, headersTimeout: 0, bodyTimeout: 0 });
  try {
    return await followRedirects(agent, target, signal);
  } finally {
    await agent.destroy();
  }
}

// undici's own redirects would send headers of any name but a few to other hosts.
async function followRedirects(agent: Agent, target: HttpTarget, signal: AbortSignal): Promise<number> {
  let url = new URL(target.uri);
  let sent = target.headers;
  for (let redirects = 0; ; redirects += 1) {
    const { status, location } = await head(agent, url, sent, signal);
    if (!REDIRECTS.has(status) || location === undefined) return status;
    if (redirects === MOST_REDIRECTS) throw new Error(`stopped after ${MOST_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (next.protocol !== "http:" && next.protocol !== "https:") throw new Error(`redirected to ${next.protocol}`);
    // Headers may hold secrets under any name, and aren't restored if a further redirect leads back.
    if (!mayKeepHeaders(url, next)) sent = {};
    url = next;
  }
}

/** Whether a redirect stays within the origin, or leads from http to https of the same host. */
function mayKeepHeaders(from: URL, to: URL): boolean {
  const isUpgrade = from.protocol === "http:" && to.protocol === "https:" && to.hostname === from.hostname;
  return to.origin === from.origin || isUpgrade;
}

async function head(
  agent: Agent,
  url: URL,
  sent: Headers,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly location: string | undefined }> {
  const { origin, pathname, search } = url;
  const {
    statusCode,
    headers: received,
    body,
  } = await agent.request({
    origin,
    path: pathname + search,
    method: "HEAD",
    headers: { ...credentialsOf(url, sent), ...sent },
    signal,
  });
  await body.dump();
  const { location } = received;
  return { status: statusCode, location: typeof location === "string" ? location : undefined };
}

/** The user and password of a URL, unless the configured headers have their own. */
function credentialsOf({ username, password }: URL, sent: Headers): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  if (Object.keys(sent).some((name) => name.toLowerCase() === "authorization")) return {};
  const credentials = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { authorization: formatBasic(credentials) };
}
