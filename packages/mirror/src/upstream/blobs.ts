import type { Digest, RepositoryName } from "@longshore/storage";
import type { Upstream, UpstreamCall, UpstreamObserver } from "./contract.js";
import { UpstreamError } from "./errors.js";
import type { Exchange } from "./exchange.js";
import { mediaTypeOf } from "./media-type.js";
import type { WireAnswer } from "./net/wire.js";
import { createResumedBlob, type BlobPart } from "./resumed-blob.js";
import { pullScope } from "./scope.js";

/** Reading blobs of an upstream. */
export interface BlobApi {
  readonly open: Upstream["openBlob"];
  readonly size: Upstream["blobSize"];
}

export interface BlobApiOptions {
  readonly host: string;
  readonly exchange: Exchange;
  /** How long a blob's next bytes may take (ms). */
  readonly idleTimeout: number;
  /** How often a blob is resumed that hardly comes forward. */
  readonly retries: number;
  readonly onBroken?: ((reason: string) => void) | undefined;
  readonly observer?: UpstreamObserver | undefined;
}

export function createBlobApi(options: BlobApiOptions): BlobApi {
  const { host, exchange } = options;
  const invalid = (reason: string): UpstreamError => new UpstreamError(host, { code: "INVALID_ANSWER", reason });
  const unknown = (): UpstreamError => new UpstreamError(host, { code: "NOT_FOUND", what: "blob" });

  const ask = async (
    method: "GET" | "HEAD",
    name: RepositoryName,
    digest: Digest,
    { range, signal, expect }: UpstreamCall & { readonly range?: string; readonly expect: readonly number[] },
  ): Promise<WireAnswer> => {
    const answer = await exchange.send({
      kind: "blob",
      method,
      path: `/v2/${name}/blobs/${digest}`,
      headers: range === undefined ? {} : { range },
      scope: pullScope(name),
      expect: [200, 206, 404, ...expect],
      signal,
    });
    if (answer.status === 404) {
      await answer.drop();
      throw unknown();
    }
    if (mediaTypeOf(answer.headers) === "text/html" && answer.status < 300) {
      answer.cancel();
      throw invalid("it answered with a web page in place of a blob, as a login page or a firewall does");
    }
    return answer;
  };

  /** The blob from `offset` on, however much of it the upstream sends. */
  const part = async (
    name: RepositoryName,
    digest: Digest,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<BlobPart> => {
    const ranged = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const answer = await ask("GET", name, digest, { ...ranged, signal, expect: [] });
    const cancel = (): void => answer.cancel();
    if (answer.status === 200) {
      return { start: 0, size: lengthOf(answer), body: answer.body, cancel };
    }
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers["content-range"] ?? "");
    if (range === null || Number(range[1]) !== offset) {
      cancel();
      throw invalid("it answered with a range other than the requested one");
    }
    const size = range[3] === "*" ? Number(range[2]) + 1 : Number(range[3]);
    return { start: offset, size, body: answer.body, cancel };
  };

  const sizeOf = async (name: RepositoryName, digest: Digest, { signal }: UpstreamCall = {}): Promise<number> => {
    // Public ECR refuses HEAD, and a URL signed for GET does.
    const head = await ask("HEAD", name, digest, { signal, expect: [400, 401, 403, 405, 501] });
    await head.drop();
    const told = head.status === 200 ? lengthOf(head) : undefined;
    if (told !== undefined) return told;
    const answer = await ask("GET", name, digest, { range: "bytes=0-0", signal, expect: [416] });
    answer.cancel();
    const total = /\/(\d+)$/.exec(answer.headers["content-range"] ?? "")?.[1];
    const size = answer.status === 200 ? lengthOf(answer) : total === undefined ? undefined : Number(total);
    if (size === undefined) throw invalid("it doesn't tell the blob's size");
    return size;
  };

  return {
    async open(name, digest, { offset = 0, signal } = {}) {
      const resume = (position: number): Promise<BlobPart> => part(name, digest, position, signal);
      const first = await resume(offset);
      if (first.size !== undefined) return createResumedBlob(first, first.size, { ...options, offset, signal, resume });
      // Without a size, a client waits for the last byte before it gets the first, and a body without end fills the disk.
      first.cancel();
      const size = await sizeOf(name, digest, { signal });
      return createResumedBlob(await resume(offset), size, { ...options, offset, signal, resume });
    },
    size: sizeOf,
  };
}

function lengthOf({ headers }: WireAnswer): number | undefined {
  const length = Number(headers["content-length"] ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}
