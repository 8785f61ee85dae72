import type { IncomingMessage, ServerResponse } from "node:http";
import { AuthError, type AuthPage, type PageAnswer } from "@longshore/auth";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";

/** Serves pages as the registry does: a path's `{word}` is a segment, and a fault has its status. */
export async function servePages(pages: readonly AuthPage[]): Promise<Listening> {
  const patterns = pages.map((page) => ({
    page,
    pattern: new RegExp(`^${page.path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
  }));
  const listening = await serveHttp((request, response) => {
    respond(request).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (error: unknown) => fail(response, error),
    );
  });

  async function respond(request: IncomingMessage): Promise<PageAnswer> {
    const url = new URL(request.url ?? "", listening.url);
    const found = patterns.find(({ page, pattern }) => {
      return pattern.test(url.pathname) && page.methods.some((method) => method === request.method);
    });
    if (found === undefined) return { status: 404, headers: {}, body: "" };
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
    return found.page.answer({
      method: request.method ?? "",
      headers: request.headers,
      remoteAddress: "192.0.2.1",
      secure: false,
      peerCertificate: undefined,
      baseUrl: listening.url,
      path: url.pathname,
      query: url.searchParams,
      body: Buffer.concat(chunks),
    });
  }
  return listening;
}

function fail(response: ServerResponse, error: unknown): void {
  const fault = error instanceof AuthError ? error.fault : undefined;
  const statuses = {
    UNAUTHENTICATED: 401,
    DENIED: 403,
    INVALID_REQUEST: 400,
    GRANT_REFUSED: 400,
    THROTTLED: 429,
    UNAVAILABLE: 503,
    INVALID_OPTIONS: 500,
  };
  response.writeHead(fault === undefined ? 500 : statuses[fault.code]).end(error instanceof Error ? error.message : "");
}
