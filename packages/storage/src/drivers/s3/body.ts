import { Readable } from "node:stream";
import { S3Fault } from "./faults.js";

/** What a GetObject brings, as a stream of Node's. */
export function toReadable(body: unknown, operation: string): Readable {
  if (body instanceof Readable) return body;
  throw new S3Fault("transient", undefined, `${operation}: the answer has no body`);
}

/** All of `body`, which is to have `size` bytes. Throws what the body throws, and a fault when it is cut short. */
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

/** The storage said how much there is to come, and something else came. */
export function wrongLength(operation: string, size: number): S3Fault {
  return new S3Fault(
    "transient",
    undefined,
    `${operation}: the body doesn't have the ${size} bytes that were announced`,
  );
}
