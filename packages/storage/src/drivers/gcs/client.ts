import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { SecureContext } from "node:tls";
import { EnvHttpProxyAgent, type Dispatcher } from "undici";
import { readRefusal, readText, refusalIn } from "./answers.js";
import type { Credential } from "./credential.js";
import { refusalToFault } from "./faults.js";
import type { GcsOptions } from "./options.js";

/** A request to the service. */
interface GcsRequest {
  /** For errors. */
  readonly operation: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** With its query; without the service's address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream needs the header `content-length`. */
  readonly body?: Uint8Array | string | Readable;
}

/** An answer whose body has to be read or destroyed. */
export interface GcsAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Sends requests with the registry's credentials. No retries. */
export interface GcsClient {
  /** Throws ServiceFault for everything but success. */
  send(request: GcsRequest, signal: AbortSignal): Promise<GcsAnswer>;
  /** Likewise, and reads the body, a small text; also throws for an error that is in an answer of success. */
  text(
    request: GcsRequest,
    signal: AbortSignal,
  ): Promise<{ readonly headers: IncomingHttpHeaders; readonly text: string }>;
  destroy(): void;
}

/** How long an unused connection is kept (ms). */
const KEEP_ALIVE = 15_000;
/** Of an answer in text: a thousand names of a listing have at most 1 MiB and some. */
const MOST_TEXT = 16 * 1024 * 1024;
/**
 * The connections of a worker. `trusted`: the authorities that TLS connections trust, by default Node's own. HTTPS_PROXY counts, as in
 * Distribution; never for this machine itself.
 */
export function createConnections(
  { maxsockets, connecttimeout }: GcsOptions,
  trusted: SecureContext | undefined,
): Dispatcher {
  const tls = trusted === undefined ? {} : { secureContext: trusted };
  const own = process.env["NO_PROXY"] ?? process.env["no_proxy"] ?? "";
  return new EnvHttpProxyAgent({
    connections: maxsockets,
    keepAliveTimeout: KEEP_ALIVE,
    // Timeouts are ours (objects/calls.ts, objects/reader.ts): these would end the download of a slow client.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connecttimeout, ...tls },
    requestTls: tls,
    noProxy: `${own},localhost,127.0.0.1,[::1]`,
  });
}

export function createClient(
  options: GcsOptions,
  credential: Credential,
  connections: Dispatcher,
  secrets: readonly string[],
): GcsClient {
  const agent = options.useragent === "" ? "longshore" : `longshore ${options.useragent}`;

  const once = async (request: GcsRequest, token: string, signal: AbortSignal) => {
    const { method, path, headers, body } = request;
    const answer = await connections.request({
      origin: options.serviceurl,
      path,
      method,
      headers: { ...headers, "user-agent": agent, authorization: `Bearer ${token}` },
      body: body ?? null,
      signal,
    });
    // If the connection breaks, there may be no other listener any more.
    answer.body.on("error", () => undefined);
    return answer;
  };

  const send = async (request: GcsRequest, signal: AbortSignal): Promise<GcsAnswer> => {
    const token = await credential.token(signal);
    const answer = await once(request, token, signal);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    const refusal = await readRefusal(answer);
    // A token may be withdrawn, and clocks differ.
    const isStream =
      request.body !== undefined && typeof request.body !== "string" && !(request.body instanceof Uint8Array);
    const isWorthwhile = refusal.status === 401 && credential.forget(token);
    if (isStream || !isWorthwhile) throw refusalToFault(refusal, request.operation, secrets);
    const second = await once(request, await credential.token(signal), signal);
    if (second.statusCode >= 200 && second.statusCode < 300) return second;
    throw refusalToFault(await readRefusal(second), request.operation, secrets);
  };

  return {
    send,
    async text(request, signal) {
      const { headers, body } = await send(request, signal);
      const text = await readText(body, MOST_TEXT);
      const refusal = refusalIn(text);
      if (refusal !== undefined) throw refusalToFault(refusal, request.operation, secrets);
      return { headers, text };
    },
    destroy: () => void connections.destroy(),
  };
}
