import type { ServerResponse } from "node:http";
import { ClientGone } from "../../errors/api-error.js";

/**
 * Writes `length` bytes of `stream` as the body of `response`, whose head is already written, and ends it. A chunk's buffer
 * is reused once the next one is requested, so each is awaited until the kernel has it. Throws ClientGone when the client
 * disconnects or reads nothing for `timeout` ms (0: no limit). The caller closes the stream.
 */
export async function sendStream(
  response: ServerResponse,
  stream: AsyncIterable<Uint8Array>,
  length: number,
  timeout: number,
): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  const sender = new Sender(response, timeout);
  let left = length;
  try {
    while (left > 0) {
      const next = await chunks.next();
      // The head promised more, so only breaking the connection can tell the client.
      if (next.done === true) throw new Error(`the stored content ends ${left} bytes early`);
      const { value } = next;
      left -= value.byteLength;
      if (left < 0) throw new Error("the stored content is longer than it was");
      if (left > 0) await sender.write(value);
      else await sender.end(value);
    }
    if (length === 0) response.end();
  } finally {
    sender.release();
  }
}

/** Writes one response with a single close listener and a single timer, however many chunks there are. */
class Sender {
  readonly #response: ServerResponse;
  readonly #timeout: number;
  #timer: NodeJS.Timeout | undefined;
  #settle: ((error?: Error | null) => void) | undefined;

  constructor(response: ServerResponse, timeout: number) {
    this.#response = response;
    this.#timeout = timeout;
    response.on("close", this.#onClose);
  }

  write(chunk: Uint8Array): Promise<void> {
    const sent = this.#sent();
    this.#response.write(chunk, this.#onSent);
    return sent;
  }

  end(chunk: Uint8Array): Promise<void> {
    const sent = this.#sent();
    this.#response.end(chunk, this.#onSent);
    return sent;
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#response.off("close", this.#onClose);
  }

  #sent(): Promise<void> {
    if (this.#timer !== undefined) this.#timer.refresh();
    else if (this.#timeout > 0) this.#timer = setTimeout(this.#onTimeout, this.#timeout);
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined || error === null ? resolve() : reject(new ClientGone()));
      if (this.#response.destroyed) this.#onClose();
    });
  }

  readonly #onSent = (error?: Error | null): void => {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(error);
  };

  /** Fires at the end of every response; the client was lost only if a write is still pending. */
  readonly #onClose = (): void => {
    if (this.#settle !== undefined) this.#onSent(new ClientGone());
  };

  readonly #onTimeout = (): void => void this.#response.destroy();
}
