import type { TokenRequest } from "@longshore/auth";
import { ApiError } from "../../errors/api-error.js";
import { toWireJson } from "../../errors/json.js";
import { recordOf } from "../../observability/request-record.js";
import { HttpAuthRequest } from "../auth-request.js";
import type { Exchange } from "../exchange.js";

/** Bytes of a form: names, passwords and scopes of one client. */
const FORM_LIMIT = 64 * 1024;

/** `GET` and `POST /auth/token`: tokens for clients that our own challenges sent here (contract §4.5). */
export async function issueToken(exchange: Exchange): Promise<void> {
  const { api, request } = exchange;
  if (api.tokens === undefined) throw new ApiError("UNSUPPORTED");
  const form = request.method === "POST" ? await readForm(exchange) : undefined;
  const { account, granted, document } = await api.tokens.issue(tokenRequest(exchange, form), exchange);
  api.onAccess?.("allowed");
  const record = recordOf(request);
  if (record !== undefined) {
    record.user = account;
    const scopes = granted.map(({ type, name, action }) => `${type}:${name}:${action}`);
    record.access = { outcome: "allowed", account, granted: scopes };
  }
  // RFC 6749 §5.1.
  exchange.json(200, toWireJson(document), ["Cache-Control", "no-store"]);
}

function tokenRequest(exchange: Exchange, form: URLSearchParams | undefined): TokenRequest {
  const request = new HttpAuthRequest(exchange.request, exchange.api.site);
  const { method, headers, remoteAddress, secure, peerCertificate, baseUrl } = request;
  return { method, headers, remoteAddress, secure, peerCertificate, baseUrl, query: exchange.query, form };
}

async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") {
    const detail = "a token is asked for with a form: application/x-www-form-urlencoded";
    throw new ApiError("UNSUPPORTED", { status: 415, detail });
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of exchange.body()) {
    size += chunk.byteLength;
    if (size > FORM_LIMIT) throw new ApiError("SIZE_INVALID", { status: 413, detail: "the form is too large" });
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks, size).toString("utf8"));
}
