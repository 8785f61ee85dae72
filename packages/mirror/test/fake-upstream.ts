import { createHash } from "node:crypto";
import { parseDigest, type Digest, type RepositoryName } from "@longshore/storage";
import type {
  FetchedManifest,
  ResolvedManifest,
  Upstream,
  UpstreamBlob,
  UpstreamPage,
  UpstreamPageRequest,
} from "../src/upstream/contract.js";
import { UpstreamError, type UpstreamFault } from "../src/upstream/errors.js";

/** A point that a test opens. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function sha256(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** An upstream in memory: what a real one can't be made to do at a chosen moment. Counts what it is asked. */
export class FakeUpstream implements Upstream {
  readonly host = "upstream.test";
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, FetchedManifest>();
  readonly tagsOf = new Map<string, Map<string, Digest>>();
  readonly calls: string[] = [];
  /** Every call throws it. */
  fault: UpstreamFault | undefined;
  /** Its `_catalog`; by default it has none. */
  catalog: (page: UpstreamPageRequest) => Promise<UpstreamPage<RepositoryName>> = () =>
    Promise.reject(this.fail({ code: "UNSUPPORTED", operation: "listing repositories" }));
  /** Waited for before each chunk of a blob, by the chunk's number. */
  beforeChunk: (index: number) => Promise<void> = () => Promise.resolve();
  chunkBytes = 64 * 1024;

  addBlob(name: string, bytes: Uint8Array, digest = sha256(bytes)): Digest {
    this.blobs.set(`${name}@${digest}`, bytes);
    return digest;
  }

  addManifest(name: string, tag: string, value: unknown, mediaType: string): Digest {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = sha256(bytes);
    this.manifests.set(`${name}@${digest}`, { digest, mediaType, size: bytes.length, bytes });
    const tags = this.tagsOf.get(name) ?? new Map<string, Digest>();
    this.tagsOf.set(name, tags.set(tag, digest));
    return digest;
  }

  fail(fault: UpstreamFault): UpstreamError {
    return new UpstreamError(this.host, fault);
  }

  #asked(call: string): void {
    this.calls.push(call);
    if (this.fault !== undefined) throw this.fail(this.fault);
  }

  async resolveManifest(name: string, reference: string): Promise<ResolvedManifest> {
    this.#asked(`HEAD ${name} ${reference}`);
    const digest = this.tagsOf.get(name)?.get(reference) ?? reference;
    const found = this.#manifest(name, digest);
    return Promise.resolve({ digest: found.digest, mediaType: found.mediaType, size: found.size });
  }

  async fetchManifest(name: string, reference: string): Promise<FetchedManifest> {
    this.#asked(`GET ${name} ${reference}`);
    return Promise.resolve(this.#manifest(name, reference));
  }

  #manifest(name: string, digest: string): FetchedManifest {
    const found = this.manifests.get(`${name}@${digest}`);
    if (found === undefined) throw this.fail({ code: "NOT_FOUND", what: "manifest" });
    return found;
  }

  async openBlob(name: string, digest: string, call?: { readonly offset?: number | undefined }): Promise<UpstreamBlob> {
    const offset = call?.offset ?? 0;
    this.#asked(`blob ${name} ${digest} ${offset}`);
    const bytes = this.#blob(name, digest);
    const chunks = this.#chunks(bytes.subarray(offset));
    return Promise.resolve({
      size: bytes.length,
      close: () => Promise.resolve(),
      [Symbol.asyncIterator]: () => chunks,
    });
  }

  async *#chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0, index = 0; at < bytes.length; at += this.chunkBytes, index += 1) {
      await this.beforeChunk(index);
      yield bytes.subarray(at, at + this.chunkBytes);
    }
  }

  #blob(name: string, digest: string): Uint8Array {
    const bytes = this.blobs.get(`${name}@${digest}`);
    if (bytes === undefined) throw this.fail({ code: "NOT_FOUND", what: "blob" });
    return bytes;
  }

  async blobSize(name: string, digest: string): Promise<number> {
    this.#asked(`size ${name} ${digest}`);
    return Promise.resolve(this.#blob(name, digest).length);
  }

  async tags(name: string): Promise<{ items: never[] }> {
    this.#asked(`tags ${name}`);
    return Promise.resolve({ items: [] });
  }

  async repositories(page: UpstreamPageRequest = {}): Promise<UpstreamPage<RepositoryName>> {
    this.#asked(`repositories ${page.cursor ?? ""}`.trimEnd());
    return this.catalog(page);
  }

  async referrers(name: string, subject: string): Promise<never[]> {
    this.#asked(`referrers ${name} ${subject}`);
    return Promise.resolve([]);
  }

  async ping(): Promise<void> {
    return Promise.resolve();
  }

  /** What its consumers said of it. */
  readonly blamed: string[] = [];

  blame(reason: string): void {
    this.blamed.push(reason);
  }

  status(): Record<string, never> {
    return {};
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}
