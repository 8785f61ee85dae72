import type { IncomingMessage, ServerResponse } from "node:http";
import { BodyTimeout, ClientGone } from "../errors/api-error.js";

const WAITING: unique symbol = Symbol("waits for 100");

/** A request whose client sends its body only when told to (`Expect: 100-continue`). */
type Waiting = object & { [WAITING]?: boolean };

/** Remembers that the client of `request` waits for a 100. */
export function markWaiting(request: Waiting): void {
  request[WAITING] = true;
}

/** Whether nobody has told the client of `request` to send its body yet. */
export function isWaiting(request: Waiting): boolean {
  return request[WAITING] === true;
}

function tellToSend(request: Waiting, response: ServerResponse): void {
  if (!isWaiting(request)) return;
  request[WAITING] = false;
  response.writeContinue();
}

/**
 * The bytes of a request's body, read by one consumer with back-pressure. Ends the wait with {@link BodyTimeout} when
 * nothing arrives for `idleTimeout` ms (0: never) and with {@link ClientGone} when the body breaks off. The time that the
 * consumer takes doesn't count.
 */
export function requestBody(
  request: IncomingMessage,
  response: ServerResponse,
  idleTimeout: number,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      tellToSend(request, response);
      return new BodyReader(request, idleTimeout);
    },
  };
}

class BodyReader implements AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #idleTimeout: number;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #timedOut = false;

  constructor(request: IncomingMessage, idleTimeout: number) {
    this.#request = request;
    this.#idleTimeout = idleTimeout;
    for (const event of EVENTS) request.on(event, this.#onEvent);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const request = this.#request;
    for (;;) {
      const chunk: unknown = request.read();
      if (chunk instanceof Uint8Array) return { done: false, value: chunk };
      if (request.readableEnded) return this.#finish();
      if (this.#timedOut) throw this.#failed(new BodyTimeout(this.#idleTimeout));
      if (request.destroyed) throw this.#failed(new ClientGone());
      await this.#event();
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return Promise.resolve(this.#finish());
  }

  #event(): Promise<void> {
    if (this.#timer !== undefined) this.#timer.refresh();
    else if (this.#idleTimeout > 0) this.#timer = setTimeout(this.#onTimeout, this.#idleTimeout);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly #onEvent = (): void => {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  };

  /** Fires also while the consumer is busy; then nobody waits, and the next wait starts it anew. */
  readonly #onTimeout = (): void => {
    if (this.#wake === undefined) return;
    this.#timedOut = true;
    this.#onEvent();
  };

  #failed(error: Error): Error {
    this.#finish();
    return error;
  }

  #finish(): IteratorReturnResult<undefined> {
    clearTimeout(this.#timer);
    for (const event of EVENTS) this.#request.off(event, this.#onEvent);
    // An error that comes after the last read (the connection resets) has nobody to tell.
    this.#request.on("error", ignore);
    return { done: true, value: undefined };
  }
}

const EVENTS = ["readable", "end", "close", "error"] as const;

function ignore(): void {
  // Whoever reads the body has been told already.
}
