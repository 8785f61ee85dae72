import type { AuthPage, PageRequest } from "@longshore/auth";
import { ApiError } from "../../errors/api-error.js";
import { recordOf } from "../../observability/request-record.js";
import { HttpAuthRequest } from "../access/auth-request.js";
import { readSmallBody } from "../body/small-body.js";
import type { Exchange } from "../exchange.js";
import type { Handler, Route } from "../route.js";

/** The most bytes of a body. */
const BODY_LIMIT = 64 * 1024;

const WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];

/** The route of a page that access control serves; it looks at credentials itself. */
export function pageRoute(page: AuthPage): Route {
  const handler: Handler = (exchange) => answerPage(page, exchange);
  const handlers = Object.fromEntries(page.methods.map((method) => [method, handler]));
  return { name: "auth-page", path: page.path, accesses: "own", handlers };
}

async function answerPage(page: AuthPage, exchange: Exchange): Promise<void> {
  const record = recordOf(exchange.request);
  if (record !== undefined && page.audited !== undefined) record.question = { action: page.audited };
  const answer = await page.answer(await pageRequest(exchange), exchange);
  const { account, audit } = answer;
  if (record !== undefined) {
    if (account !== undefined) record.user = account;
    if (audit !== undefined) record.access = { ...audit, account };
  }
  const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", ...answer.headers };
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, each]));
  exchange.end(answer.status, lines, answer.body);
}

async function pageRequest(exchange: Exchange): Promise<PageRequest> {
  const { shared, request } = exchange;
  const seen = new HttpAuthRequest(request, shared.site);
  const { method, headers, remoteAddress, believed, secure, peerCertificate, baseUrl } = seen;
  const rest = { method, headers, remoteAddress, believed, secure, peerCertificate, baseUrl };
  const prefix = shared.config.http.prefix.replace(/\/+$/, "");
  const path = exchange.path.slice(prefix.length);
  return { ...rest, path, query: exchange.query, body: await readBody(exchange) };
}

async function readBody(exchange: Exchange): Promise<Uint8Array> {
  if (!WITH_BODY.includes(exchange.request.method ?? "")) return new Uint8Array();
  using body = await readSmallBody(exchange.body(exchange.shared.formTimeout), {
    limit: BODY_LIMIT,
    tooLarge: () => new ApiError("SIZE_INVALID", { status: 413, detail: "the body is too large" }),
    budget: exchange.shared.formBudget,
  });
  return body.bytes;
}
