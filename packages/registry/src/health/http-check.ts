import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { HttpCheck } from "../config/config.js";
import { redactText } from "../observability/redact.js";
import { reason, withTimeout } from "./wait.js";

/** As many as the original's HTTP client follows. */
const MOST_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What another host isn't shown. */
const CREDENTIALS = /^(?:authorization|cookie2?|www-authenticate)$/i;

/** A HEAD request that must answer with the expected status, at the end of its redirects. */
export async function checkHttp(check: HttpCheck, signal: AbortSignal): Promise<void> {
  const shown = redactText(check.uri);
  const status = await finalStatus(check, withTimeout(signal, check.timeout)).catch((error: unknown) => {
    throw new Error(`${shown}: error while checking: ${reason(error)}`, { cause: error });
  });
  if (status !== check.statuscode)
    throw new Error(`${shown}: downstream service returned unexpected status: ${status}`);
}

async function finalStatus(check: HttpCheck, signal: AbortSignal): Promise<number> {
  let url = new URL(check.uri);
  let headers = Object.entries(check.headers);
  for (let redirects = 0; ; redirects += 1) {
    const { status, location } = await head(url, Object.fromEntries(headers), signal);
    if (!REDIRECTS.has(status) || location === undefined) return status;
    if (redirects === MOST_REDIRECTS) throw new Error(`stopped after ${MOST_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (next.protocol !== "http:" && next.protocol !== "https:") throw new Error(`redirected to ${next.protocol}`);
    if (!isWithin(next.hostname, url.hostname)) headers = headers.filter(([name]) => !CREDENTIALS.test(name));
    url = next;
  }
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function head(
  url: URL,
  headers: Readonly<Record<string, readonly string[]>>,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const lines = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]]));
    const request = send(url, { method: "HEAD", headers: lines, signal, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, location: response.headers.location });
    });
    request.once("error", reject).end();
  });
}
