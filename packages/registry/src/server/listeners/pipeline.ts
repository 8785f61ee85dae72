import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The requests a client may send ahead of the responses; one that sends more is disconnected. Known clients send none. */
const MOST_WAITING = 64;

/**
 * One HTTP/1.1 connection's requests, answered one after the other. Node hands over all that a packet holds at once. Handled in
 * parallel they would read hundreds of files for one client, change things in another order than they were sent
 * (RFC 9112 §9.3.2), and never learn of a connection that closes before their turn to answer.
 */
export class Pipeline {
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Calls `begin` once all earlier requests are answered; never, if the connection ends first. */
  take(response: ServerResponse, begin: () => void): void {
    const start = (): void => {
      this.#busy = true;
      begin();
      response.once("close", this.#next);
    };
    if (!this.#busy) start();
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(start);
    else this.#socket.destroy();
  }

  readonly #next = (): void => {
    this.#busy = false;
    if (this.#socket.writable) this.#waiting.shift()?.();
    else this.#waiting.length = 0;
  };
}
