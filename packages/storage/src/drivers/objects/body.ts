import { Readable } from "node:stream";
import { ServiceFault } from "./faults.js";

/** The body of a response as a Node stream. */
export function toReadable(body: unknown, operation: string): Readable {
  if (body instanceof Readable) return body;
  throw new ServiceFault("transient", undefined, `${operation}: the answer has no body`);
}

/** Reads all of `body`, which must have `size` bytes. Passes on its errors, and throws a fault if it is cut short. */
export async function readAll(body: Readable, size: number, operation: string, signal: AbortSignal): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  const onAbort = (): void => {
    body.destroy(new Error("aborted"));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: true })) {
      if (!(chunk instanceof Uint8Array) || length + chunk.length > size) throw wrongLength(operation, size);
      bytes.set(chunk, length);
      length += chunk.length;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (length < size) throw wrongLength(operation, size);
  return bytes;
}

/** The storage has sent another number of bytes than it announced. */
export function wrongLength(operation: string, size: number): ServiceFault {
  return new ServiceFault(
    "transient",
    undefined,
    `${operation}: the body doesn't have the ${size} bytes that were announced`,
  );
}
