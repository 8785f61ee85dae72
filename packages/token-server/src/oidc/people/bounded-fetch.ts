/** For a whole answer of a provider (ms). */
const PATIENCE = 10_000;

/** Discovery documents, key sets and answers of APIs are much smaller. */
const MAX_BYTES = 1024 * 1024;

/** What a request of {@link boundedFetch} can say. */
export interface BoundedRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches within 10 seconds and a mebibyte, and follows no redirect: a provider's endpoints are where its documents say. Throws an
 * Error if that isn't possible.
 */
export async function boundedFetch(url: string, request: BoundedRequest = {}): Promise<Response> {
  const patience = AbortSignal.timeout(PATIENCE);
  const signal = request.signal === undefined ? patience : AbortSignal.any([request.signal, patience]);
  const response = await fetch(url, {
    method: request.method ?? "GET",
    headers: { ...request.headers },
    body: request.body ?? null,
    redirect: "manual",
    signal,
  });
  const bytes = await readAtMost(response);
  const { status, statusText, headers } = response;
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  return new Response(hasBody ? bytes : null, { status, statusText, headers });
}

async function readAtMost({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new Error("the answer isn't made of bytes");
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (size > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}
