import { ApiFailure } from "./failure.js";

/** The body of a response, up to `most` bytes. Throws ApiFailure, and reads no further, as soon as there are more. */
export async function readBody(response: Response, most: number): Promise<Blob> {
  const { body, headers, status } = response;
  if (body === null) return new Blob([]);
  const tooLarge = (): ApiFailure =>
    new ApiFailure("unexpected", status, `this has more than ${most} bytes, which is too large for the page`);
  if (Number(headers.get("content-length") ?? 0) > most) {
    await body.cancel();
    throw tooLarge();
  }
  const reader = body.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let left = most;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const chunk: unknown = next.value;
    if (!(chunk instanceof Uint8Array)) continue;
    left -= chunk.byteLength;
    if (left < 0) {
      await reader.cancel();
      throw tooLarge();
    }
    parts.push(new Uint8Array(chunk));
  }
  return new Blob(parts);
}
