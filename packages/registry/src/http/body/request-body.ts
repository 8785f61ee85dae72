import type { IncomingMessage } from "node:http";
import { BodyTimeout, ClientGone } from "../../errors/api-error.js";
import type { Recipient } from "../response/respond.js";

/**
 * The bytes of a request's body, for one consumer, with back-pressure. Sends a 100 to a client that waits for one. Throws
 * {@link BodyTimeout} if nothing arrives for `idleTimeout` ms (0: no limit) or the body isn't complete after `totalTimeout`
 * ms, and {@link ClientGone} if it breaks off. Time spent by the consumer doesn't count as idle.
 */
export function requestBody(
  { req, res, state }: Recipient,
  idleTimeout: number,
  totalTimeout = 0,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      if (state.awaitsContinue) {
        state.awaitsContinue = false;
        res.writeContinue();
      }
      return new BodyReader(req, idleTimeout, totalTimeout);
    },
  };
}

class BodyReader implements AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #idleTimeout: number;
  readonly #totalTimeout: number;
  readonly #deadline: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #timedOut = false;
  #expired = false;

  constructor(request: IncomingMessage, idleTimeout: number, totalTimeout: number) {
    this.#request = request;
    this.#idleTimeout = idleTimeout;
    this.#totalTimeout = totalTimeout;
    if (totalTimeout > 0) this.#deadline = setTimeout(this.#onDeadline, totalTimeout);
    for (const event of EVENTS) request.on(event, this.#onEvent);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const request = this.#request;
    for (;;) {
      if (this.#expired) throw this.#failed(new BodyTimeout(this.#totalTimeout, "whole"));
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

  /** May fire while the consumer is busy and nothing is waiting; the next wait then restarts it. */
  readonly #onTimeout = (): void => {
    if (this.#wake === undefined) return;
    this.#timedOut = true;
    this.#onEvent();
  };

  readonly #onDeadline = (): void => {
    this.#expired = true;
    this.#onEvent();
  };

  #failed(error: Error): Error {
    this.#finish();
    return error;
  }

  #finish(): IteratorReturnResult<undefined> {
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    for (const event of EVENTS) this.#request.off(event, this.#onEvent);
    // After the last read, an error (such as a connection reset) no longer matters.
    this.#request.on("error", ignore);
    return { done: true, value: undefined };
  }
}

const EVENTS = ["readable", "end", "close", "error"] as const;

function ignore(): void {
  // The consumer of the body has been notified already.
}
