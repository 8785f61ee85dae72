/** All bytes of a stream, each chunk copied: a driver may fill the same buffer again. Closes the stream if it can be closed. */
export async function collectBytes(
  stream: AsyncIterable<Uint8Array> & { readonly close?: () => unknown },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  } finally {
    await stream.close?.();
  }
  return Buffer.concat(chunks);
}

/** A stream of one chunk, copied: a writer takes ownership. */
export async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes.slice());
}
