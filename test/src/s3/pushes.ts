import { digestOf } from "@longshore/testkit/fixtures";
import { type Content, contentsOf, type Image } from "../clients/images.js";

/** A request that didn't do what it should: with its status, or 0 where no answer came. */
export class RequestFailed extends Error {
  readonly status: number;
  readonly retryAfter: string | null;

  constructor(what: string, status: number, retryAfter: string | null, options?: ErrorOptions) {
    super(`${what}: ${status}`, options);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Milliseconds after which a request counts as hung. */
const BOUND = 90_000;

async function ask(wanted: number, method: string, url: URL, body?: Buffer, type?: string): Promise<Response> {
  const what = `${method} ${url.pathname}`;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(BOUND),
      ...(body === undefined ? {} : { body, headers: { "content-type": type ?? "application/octet-stream" } }),
    });
    if (response.status === wanted) return response;
    await response.arrayBuffer();
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError")
      throw new Error(`${what} hung`, { cause: error });
    throw new RequestFailed(what, 0, null, { cause: error });
  }
  throw new RequestFailed(what, response.status, response.headers.get("retry-after"));
}

/**
 * Pushes an image as a client does that knows of nothing there: each blob in chunks of its own requests, the last one with the
 * closing PUT; then the manifest. Throws {@link RequestFailed} at the first request that fails.
 */
export async function pushImage(host: string, repository: string, tag: string, image: Image): Promise<void> {
  for (const part of contentsOf(image)) {
    if (part === image.manifest) await putManifest(host, repository, tag, part);
    else await pushInChunks(host, repository, part);
  }
}

async function pushInChunks(host: string, repository: string, { bytes, digest }: Content): Promise<void> {
  let url = nextOf(await ask(202, "POST", new URL(`http://${host}/v2/${repository}/blobs/uploads/`)));
  const middle = Math.floor(bytes.byteLength / 2);
  if (middle > 0) url = nextOf(await ask(202, "PATCH", url, bytes.subarray(0, middle)));
  url.searchParams.set("digest", digest);
  await ask(201, "PUT", url, bytes.subarray(middle));
}

async function putManifest(host: string, repository: string, tag: string, manifest: Content): Promise<void> {
  const url = new URL(`http://${host}/v2/${repository}/manifests/${tag}`);
  await ask(201, "PUT", url, manifest.bytes, manifest.mediaType);
}

function nextOf(response: Response): URL {
  return new URL(response.headers.get("location") ?? "", response.url);
}

/** Pulls the image by its tag and compares every byte. Throws {@link RequestFailed}; an Error where a byte differs. */
export async function pullImage(host: string, repository: string, tag: string, image: Image): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  await pullPart(new URL(`${base}/manifests/${tag}`), image.manifest);
  for (const part of [image.config, ...image.layers]) await pullPart(new URL(`${base}/blobs/${part.digest}`), part);
}

async function pullPart(url: URL, { digest, bytes }: Content): Promise<void> {
  const response = await ask(200, "GET", url);
  let found: Buffer;
  try {
    found = Buffer.from(await response.arrayBuffer());
  } catch (error) {
    // An answer that broke off is one that failed: the client knows, and asks again.
    throw new RequestFailed(`GET ${url.pathname}, in its body`, 0, null, { cause: error });
  }
  if (digestOf(found) !== digest) {
    throw new Error(
      `GET ${url.pathname} gave ${found.byteLength} bytes that aren't the ${bytes.byteLength} of ${digest}`,
    );
  }
}

/** Does the work for each item, so many at a time. */
export async function inParallel<T>(
  width: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) await work(next.value);
    }),
  );
}
