import { connect } from "node:net";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = 4;
const HEADERS = 1;
const RST_STREAM = 3;
const END_STREAM_AND_HEADERS = 0x5;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 §6.2.2: literals without indexing, of at most 126 bytes each. */
function literal(name: string, value: string): Buffer {
  return Buffer.from(
    `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`,
    "latin1",
  );
}

/** What became of a stream. */
export interface StreamOutcome {
  /** The answer's header block, undecoded. */
  readonly headers: Buffer | undefined;
  /** RFC 9113 §7; undefined where the stream wasn't reset. */
  readonly reset: number | undefined;
}

/**
 * A GET with these header lines, as they stand, over HTTP/2 without TLS: Node's own client refuses to send a repeated
 * header. Resolves with the first frame that ends it or answers it.
 */
export function requestOverFrames(port: number, lines: readonly (readonly [string, string])[]): Promise<StreamOutcome> {
  const all = [[":method", "GET"], [":scheme", "http"], [":path", "/v2/"], ...lines] as const;
  const block = Buffer.concat(all.map(([name, value]) => literal(name, value)));
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    const end = (outcome: StreamOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const payload = received.subarray(9, 9 + received.readUIntBE(0, 3));
        const type = received.readUInt8(3);
        received = received.subarray(9 + payload.length);
        if (type === HEADERS) end({ headers: payload, reset: undefined });
        if (type === RST_STREAM) end({ headers: undefined, reset: payload.readUInt32BE(0) });
      }
    });
    socket.once("error", reject).once("close", () => reject(new Error("closed without an answer")));
    socket.write(PREFACE);
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    socket.write(frame(HEADERS, END_STREAM_AND_HEADERS, 1, block));
  });
}

/** RFC 7541 appendix A: the first byte of an answer's block that says 200, and of one that says 400. */
export const STATUS_200 = 0x88;
export const STATUS_400 = 0x8c;
