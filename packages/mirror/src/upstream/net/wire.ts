import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { SECOND } from "@longshore/base/duration";
import { UpstreamError } from "../errors.js";
import { ForbiddenAddressError } from "./guard.js";
import type { Dispatchers } from "./dispatchers.js";
import { describeNetworkError, refusalIn } from "./network-error.js";

/** One request over the wire, with no second try. */
export interface WireRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** From the request's start to its answer's headers (ms), where the body isn't a stream of any length. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is still to be read; `drop` or reading to its end releases the connection. */
export interface WireAnswer {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  /** Reads a small rest, so that the connection can be used again, or closes it. Never throws. */
  drop(): Promise<void>;
  /** Closes the connection. */
  cancel(): void;
}

/** Sends requests to one upstream, and where it leads. */
export interface Wire {
  /** Throws UpstreamError (UNAVAILABLE, REFUSED) or the signal's reason. */
  send(request: WireRequest): Promise<WireAnswer>;
  close(): Promise<void>;
}

const USER_AGENT = "longshore";
/** What is read of a body that is not wanted (bytes), and for how long (ms). */
const DROPPED = 64 * 1024;
const DROP_TIME = SECOND;

/** `open` is called for each request, and remembers what it made. */
export function createWire(host: string, open: () => Promise<Dispatchers>, close: () => Promise<void>): Wire {
  return {
    async send({ method, url, headers, body, timeout, signal }) {
      signal?.throwIfAborted();
      const control = new AbortController();
      const onAbort = (): void => control.abort(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const forget = (): void => signal?.removeEventListener("abort", onAbort);
      const expire = (): void => control.abort(new Error(`it didn't answer within ${timeout / SECOND} s`));
      const timer = setTimeout(expire, timeout);
      try {
        const dispatchers = await open();
        const answer = await dispatchers.for(url).request({
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers: { "user-agent": USER_AGENT, ...headers },
          body: toBody(body),
          signal: control.signal,
        });
        answer.body.once("close", forget);
        return toAnswer(url, answer, (error) => toUpstreamError(host, error, signal));
      } catch (error) {
        forget();
        throw toUpstreamError(host, error, signal);
      } finally {
        clearTimeout(timer);
      }
    },
    close,
  };
}

function toBody(body: WireRequest["body"]): string | Uint8Array | Readable | null {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return body ?? null;
  return Readable.from(body, { objectMode: false });
}

function toAnswer(url: URL, answer: Dispatcher.ResponseData, translate: (error: unknown) => unknown): WireAnswer {
  const { body } = answer;
  // The reader gets the error; a body that is dropped has no reader.
  body.on("error", () => undefined);
  return {
    url,
    status: answer.statusCode,
    headers: answer.headers,
    body: readBody(body, translate),
    async drop() {
      try {
        await body.dump({ limit: DROPPED, signal: AbortSignal.timeout(DROP_TIME) });
      } catch {
        body.destroy();
      }
    },
    cancel: () => void body.destroy(),
  };
}

/** What may wait for its reader (bytes). */
const WAITING = 256 * 1024;

/**
 * The chunks of `body`. They are taken as they come and wait in a list, so that a reader that finds some there needn't wait: the iterator of
 * Node's streams waits for each of them several times.
 */
function readBody(body: Readable, translate: (error: unknown) => unknown): AsyncIterable<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let over: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  const onChunk = (chunk: unknown): void => {
    if (!(chunk instanceof Uint8Array)) return;
    waiting.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= WAITING) body.pause();
    wake?.();
  };
  const end = (ended: { readonly error?: unknown }): void => {
    over ??= ended;
    wake?.();
  };
  const begin = (): void => {
    body.once("end", () => end({}));
    body.once("error", (error) => end({ error }));
    body.once("close", () => end({ error: new Error("the connection was closed in the middle") }));
    body.on("data", onChunk);
  };
  const take = (): Uint8Array | undefined => {
    const chunk = waiting.shift();
    if (chunk === undefined) return undefined;
    bytes -= chunk.byteLength;
    if (bytes < WAITING / 2 && body.isPaused()) body.resume();
    return chunk;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      const value = take();
      if (value !== undefined) return { done: false, value };
      if (over?.error !== undefined) throw translate(over.error);
      if (over !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  };
  return {
    [Symbol.asyncIterator]() {
      if (body.destroyed) end({ error: body.errored ?? new Error("the connection was closed") });
      else begin();
      return {
        next,
        return() {
          body.destroy();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

function toUpstreamError(host: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof UpstreamError) return error;
  const refusal = error instanceof ForbiddenAddressError ? error : refusalIn(error);
  if (refusal !== undefined) return new UpstreamError(host, { code: "REFUSED", reason: refusal.message });
  return new UpstreamError(
    host,
    { code: "UNAVAILABLE", reason: describeNetworkError(error), retryAfter: 1 },
    { cause: error },
  );
}
