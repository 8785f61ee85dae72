import type { Access, TokenRequest } from "@longshore/auth";
import { ApiError } from "../../errors/api-error.js";
import { toWireJson } from "../../errors/json.js";
import { recordOf, type AccessQuestion } from "../../observability/request-record.js";
import { HttpAuthRequest } from "../access/auth-request.js";
import type { Exchange } from "../exchange.js";
import { readSmallBody } from "../body/small-body.js";

/** The most bytes of a form, which has one client's name, password and scopes. */
const FORM_LIMIT = 64 * 1024;

/** `GET` and `POST /auth/token`: issues tokens to clients that followed one of our challenges (wire contract §4.5). */
export async function issueToken(exchange: Exchange): Promise<void> {
  const { shared, request } = exchange;
  if (shared.tokens === undefined) throw new ApiError("UNSUPPORTED");
  const form = request.method === "POST" ? await readForm(exchange) : undefined;
  const record = recordOf(request);
  if (record !== undefined) record.question = questionOf(exchange, form);
  const answer = await shared.tokens.issue(tokenRequest(exchange, form), exchange);
  const { account, document } = answer;
  shared.onAccess?.("allowed");
  if (record !== undefined) {
    record.user = account;
    record.access = {
      outcome: "allowed",
      account,
      granted: answer.granted.map(scopeOf),
      asked: answer.asked?.map(scopeOf),
      ...answer.decided,
    };
  }
  // RFC 6749 §5.1.
  exchange.json(200, toWireJson(document), ["Cache-Control", "no-store"]);
}

/** What is asked, for the audit of a refusal: it isn't known yet whether it can be understood. */
function questionOf(exchange: Exchange, form: URLSearchParams | undefined): AccessQuestion {
  const scopes = (form ?? exchange.query).getAll("scope").flatMap((scope) => scope.split(" "));
  const grant = form?.get("grant_type") ?? "";
  const hasPassword = (form?.get("username") ?? "") !== "" || exchange.header("authorization") !== undefined;
  return {
    action: "token",
    login: grant === "" ? (hasPassword ? "password" : "anonymous") : grant,
    asked: scopes.filter((scope) => scope !== ""),
  };
}

function scopeOf({ type, name, action }: Access): string {
  return `${type}:${name}:${action}`;
}

function tokenRequest(exchange: Exchange, form: URLSearchParams | undefined): TokenRequest {
  const request = new HttpAuthRequest(exchange.request, exchange.shared.site);
  const { method, headers, remoteAddress, believed, secure, peerCertificate, baseUrl } = request;
  return { method, headers, remoteAddress, believed, secure, peerCertificate, baseUrl, query: exchange.query, form };
}

async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") {
    const detail = "a token request must be a form: application/x-www-form-urlencoded";
    throw new ApiError("UNSUPPORTED", { status: 415, detail });
  }
  using body = await readSmallBody(exchange.body(exchange.shared.formTimeout), {
    limit: FORM_LIMIT,
    tooLarge: () => new ApiError("SIZE_INVALID", { status: 413, detail: "the form is too large" }),
    budget: exchange.shared.formBudget,
  });
  return new URLSearchParams(new TextDecoder().decode(body.bytes));
}
