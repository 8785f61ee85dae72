import { connect, type Socket } from "node:net";

/** What a {@link rawRequest} hears of. */
export interface ResponseEvents {
  /** The status line and header lines, without the empty line. */
  onHead(head: string): void;
  /** So many bytes of the body came. */
  onBody(bytes: number): void;
}

const READ_BUFFER = 1024 * 1024;
const END_OF_HEAD = "\r\n\r\n";

/**
 * A keep-alive connection that reads into one buffer and never looks at a body, so that the generator costs little of the
 * machine it shares with the server. `headOnly` says that bodies never come (HEAD).
 */
export function openConnection(
  url: URL,
  headOnly: boolean,
  events: ResponseEvents,
  fail: (error: Error) => void,
): Socket {
  let head: string | undefined = "";
  const read = (bytes: Buffer): void => {
    if (head === undefined) {
      events.onBody(bytes.length);
      return;
    }
    head += bytes.toString("latin1");
    const end = head.indexOf(END_OF_HEAD);
    if (end === -1) {
      return;
    }
    const rest = head.length - end - END_OF_HEAD.length;
    const lines = head.slice(0, end);
    head = headOnly ? "" : undefined;
    events.onHead(lines);
    if (rest > 0) {
      events.onBody(rest);
    }
  };
  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(headOnly ? 16 * 1024 : READ_BUFFER),
      callback: (count, buffer) => {
        read(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        return true;
      },
    },
  });
  socket.on("error", fail).on("close", () => {
    fail(new Error(`${url.host} closed the connection`));
  });
  return socket;
}

/** The bytes of a request without a body. */
export function formatRequest(method: "GET" | "HEAD", url: URL, accept = "*/*"): Buffer {
  return Buffer.from(
    `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: ${accept}\r\n\r\n`,
    "latin1",
  );
}

/** Throws unless the answer's status is this one. */
export function expectStatus(head: string, status: number): void {
  if (!head.startsWith(`HTTP/1.1 ${status} `)) {
    throw new Error(`expected ${status}, got: ${head.split("\r\n", 1)[0] ?? ""}`);
  }
}
