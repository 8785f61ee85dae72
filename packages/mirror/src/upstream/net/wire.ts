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

function readBody(body: AsyncIterable<unknown>, translate: (error: unknown) => unknown): AsyncIterable<Uint8Array> {
  const read = async (chunks: AsyncIterator<unknown>): Promise<IteratorResult<Uint8Array, undefined>> => {
    try {
      const next: IteratorResult<unknown, unknown> = await chunks.next();
      if (next.done === true) return { done: true, value: undefined };
      if (next.value instanceof Uint8Array) return { done: false, value: next.value };
    } catch (error) {
      throw translate(error);
    }
    return read(chunks);
  };
  return {
    // By hand: each generator that a chunk passes costs three promises.
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      return {
        next: () => read(chunks),
        async return() {
          await chunks.return?.();
          return { done: true, value: undefined };
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
