import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { SecureContext } from "node:tls";
import { EnvHttpProxyAgent, type Dispatcher } from "undici";
import { z } from "zod";
import type { Credential } from "./credential.js";
import { refusalToFault, type Refusal } from "./faults.js";
import type { GcsOptions } from "./options.js";
import { firstText } from "./xml.js";

/** A request to the service. */
export interface GcsRequest {
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
  /** Likewise, and reads the body, a small text. */
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
/** Of an error. */
const MOST_ERROR = 64 * 1024;

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
    if (refusal.status !== 401 || isStream || !credential.forget(token))
      throw refusalToFault(refusal, request.operation, secrets);
    const second = await once(request, await credential.token(signal), signal);
    if (second.statusCode >= 200 && second.statusCode < 300) return second;
    throw refusalToFault(await readRefusal(second), request.operation, secrets);
  };

  return {
    send,
    async text(request, signal) {
      const { headers, body } = await send(request, signal);
      return { headers, text: await readText(body, MOST_TEXT) };
    },
    destroy: () => void connections.destroy(),
  };
}

/** Reads a text of at most `most` bytes; what is longer is cut off. */
export async function readText(body: Readable, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > most) break;
  }
  return Buffer.concat(chunks).subarray(0, most).toString("utf8");
}

const errorBody = z.object({
  error: z.object({
    message: z.string().default(""),
    errors: z.array(z.object({ reason: z.string().default("") })).default([]),
  }),
});

/** What a service of Google's says about a request that it refused. */
export async function readRefusal({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Refusal> {
  const text = await readText(body, MOST_ERROR).catch(() => "");
  const seconds = headers["retry-after"];
  const wait = typeof seconds === "string" && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
  return { status: statusCode, wait, ...describe(text) };
}

function describe(text: string): { readonly code: string; readonly message: string } {
  if (text.trimStart().startsWith("<")) {
    const details = firstText(text, "Details") ?? "";
    return { code: firstText(text, "Code") ?? "", message: `${firstText(text, "Message") ?? ""} ${details}`.trim() };
  }
  const parsed = errorBody.safeParse(parseJson(text));
  if (!parsed.success) return { code: "", message: text };
  const { message, errors } = parsed.data.error;
  return { code: errors[0]?.reason ?? "", message };
}

/** Undefined for what isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
