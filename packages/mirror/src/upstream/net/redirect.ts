import { isDowngrade } from "../auth/trust.js";

/** Statuses that send a GET or HEAD elsewhere (RFC 9110 §15.4). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Hops of one request. */
const MAX_REDIRECTS = 5;

/** Where an answer leads, or why it isn't followed. */
export type RedirectStep =
  | { readonly kind: "none" }
  | { readonly kind: "follow"; readonly url: URL }
  | { readonly kind: "refused"; readonly reason: string };

/** What to do with an answer of `status` from `from`, after `hops` redirects. Never shows a query: it may be a signed URL's. */
export function redirectStep(
  from: URL,
  { status, location, hops }: { readonly status: number; readonly location: string | undefined; readonly hops: number },
): RedirectStep {
  if (!REDIRECTS.has(status)) return { kind: "none" };
  if (location === undefined || !URL.canParse(location, from.href)) return refused("redirects to nowhere");
  const url = new URL(location, from);
  if (url.protocol !== "http:" && url.protocol !== "https:") return refused(`redirects to ${url.protocol}`);
  if (isDowngrade(from, url)) return refused(`redirects from TLS to plain HTTP at ${url.host}`);
  if (hops >= MAX_REDIRECTS) return refused(`redirects more than ${MAX_REDIRECTS} times`);
  // A redirect can't lend us a user.
  url.username = "";
  url.password = "";
  return { kind: "follow", url };
}

function refused(reason: string): RedirectStep {
  return { kind: "refused", reason: `the upstream ${reason}, which is not followed` };
}
