import type { ServerResponse } from "node:http";

/** How much may wait for a client that reads slowly (bytes), beyond what the connection holds. */
const MOST_WAITING = 64 * 1024;
/** How long a client may leave that unread before it is cut off (ms). */
const LONGEST_STALL = 30_000;

/** An event as the HTML standard has it (§9.2, Server-sent events). */
interface ServerSentEvent {
  readonly name: string;
  /** What a client that comes back says it has seen. */
  readonly id?: string | undefined;
  /** Sent as JSON, which has no line breaks. */
  readonly data: unknown;
}

/**
 * Server-sent events on a response whose head was sent. What a slow client would make the process keep is left out, and the client is
 * told that something is missing.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #clock: () => number;
  #hasGap = false;
  #stalledSince: number | undefined;

  constructor(response: ServerResponse, clock: () => number = () => performance.now()) {
    this.#response = response;
    this.#clock = clock;
  }

  send(event: ServerSentEvent): void {
    if (!this.#hasRoom()) {
      this.#hasGap = true;
      return;
    }
    this.#closeGap();
    this.#write(format(event));
  }

  /** Says that something is missing here. */
  missed(): void {
    this.#hasGap = true;
    if (this.#hasRoom()) this.#closeGap();
  }

  /** Shows that the connection lives, and where the client may go on. Cuts off a client that has long read nothing. */
  beat(id: string | undefined): void {
    if (this.#hasRoom()) {
      this.#closeGap();
      this.#write(id === undefined ? ":\n\n" : `: \nid: ${id}\n\n`);
    } else if (this.#clock() - (this.#stalledSince ??= this.#clock()) >= LONGEST_STALL) {
      this.#response.destroy();
    }
  }

  /** Ends the stream with a reason that the client can read. */
  end(reason: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.end(format({ name: "end", data: { reason } }));
  }

  #hasRoom(): boolean {
    const hasRoom = this.#response.writableLength <= MOST_WAITING;
    if (hasRoom) this.#stalledSince = undefined;
    else this.#stalledSince ??= this.#clock();
    return hasRoom;
  }

  #closeGap(): void {
    if (!this.#hasGap) return;
    this.#hasGap = false;
    this.#write(format({ name: "missed", data: {} }));
  }

  #write(text: string): void {
    if (!this.#response.writableEnded && !this.#response.destroyed) this.#response.write(text);
  }
}

function format({ name, id, data }: ServerSentEvent): string {
  const line = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${name}\n${line}data: ${JSON.stringify(data)}\n\n`;
}
