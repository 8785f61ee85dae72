import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "./faults.js";
import type { Reply } from "./reply.js";

/** Sends the answer, or as much of it as the fault lets through. `withBody` is false for HEAD. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  withBody: boolean,
  fault: Fault | undefined,
): Promise<void> {
  const { pieces, size } = reply.content;
  const length = reply.status === 204 || reply.status === 304 ? {} : { "content-length": String(size) };
  response.writeHead(reply.status, { ...reply.headers, ...length });
  let left = fault !== undefined && "after" in fault ? fault.after : Infinity;
  for (const piece of withBody ? pieces : []) {
    if (left < piece.byteLength) {
      await write(response, piece.subarray(0, left));
      await strike(response, fault);
      await write(response, piece.subarray(left));
      left = Infinity;
    } else {
      await write(response, piece);
      left -= piece.byteLength;
    }
  }
  response.end();
}

async function strike(response: ServerResponse, fault: Fault | undefined): Promise<void> {
  switch (fault?.kind) {
    case "truncate":
      response.socket?.end();
      response.destroy();
      return;
    case "reset-in-body":
      response.socket?.resetAndDestroy();
      return;
    case "stall-in-body":
      await delay(fault.milliseconds, undefined, { ref: false });
      return;
    default:
  }
}

/** Waits until the bytes are on their way, so that an answer of gigabytes isn't copied into the socket's buffers at once. */
export function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength === 0 || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done);
      resolve();
    };
    response.once("close", done);
    response.write(bytes, done);
  });
}
