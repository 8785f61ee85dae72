import type { Descriptor, Digest, RepositoryName, TagName } from "@longshore/storage";

/** Options of every call: the wait ends when `signal` aborts, with the signal's reason. */
export interface UpstreamCall {
  readonly signal?: AbortSignal | undefined;
}

/** Options of a question for a manifest. */
export interface ManifestCall extends UpstreamCall {
  /** Media types that the answer may have, in order; all that we know where absent. Anything else comes last. */
  readonly accept?: readonly string[] | undefined;
}

/** What an upstream says of a manifest without its bytes. */
export interface ResolvedManifest {
  readonly digest: Digest;
  /** As the upstream sent it, without parameters. */
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** The manifest itself, where the upstream told the digest only with it: spares another request. */
  readonly bytes?: Uint8Array | undefined;
}

/** A manifest whose bytes have the digest. */
export interface FetchedManifest extends ResolvedManifest {
  readonly bytes: Uint8Array;
}

/**
 * A blob's bytes, read by one consumer with back-pressure. It throws {@link UpstreamError}: UNAVAILABLE if the upstream broke
 * off and couldn't be resumed, INVALID_ANSWER if there are more bytes than announced. The digest is the consumer's to check:
 * it alone sees all bytes. `close` is idempotent, and must be called on every path.
 */
export interface UpstreamBlob extends AsyncIterable<Uint8Array> {
  /** Bytes of the whole blob, whatever the offset. */
  readonly size: number;
  close(): Promise<void>;
}

/** One page of an upstream's list, in the upstream's own order. */
export interface UpstreamPage<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; undefined: this was the last one. */
  readonly next?: string | undefined;
}

/** Which page of an upstream's list. */
export interface UpstreamPageRequest extends UpstreamCall {
  /** A page's `next`. */
  readonly cursor?: string | undefined;
  /** Only items behind this one; where there is no cursor. */
  readonly after?: string | undefined;
  /** At most so many items, if the upstream listens. */
  readonly limit?: number | undefined;
}

/** How an upstream does, as far as this process saw. Never asks the upstream. */
export interface UpstreamStatus {
  /** Undefined: the last request was answered, or there was none. */
  readonly failure?: { readonly message: string; readonly since: Date } | undefined;
  /** Requests are refused here until then. After a 429 only those of the same sort are. */
  readonly pause?: { readonly until: Date; readonly reason: PauseReason } | undefined;
  /** When a request last got what it asked for, or learnt that it isn't there. */
  readonly lastSuccess?: Date | undefined;
  /** When a request last got no usable answer, and why. As safe to show as an {@link UpstreamError}'s message. */
  readonly lastError?: { readonly message: string; readonly at: Date } | undefined;
  /** The last `RateLimit-*` headers: requests left, of how many, in how many seconds. */
  readonly rateLimit?: RateLimit | undefined;
}

/** Why an upstream is left alone for a while: it answered 429, or failed several times in a row. */
export type PauseReason = "rate-limit" | "failures";

/** What an upstream's `RateLimit-*` headers say. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds; undefined where the upstream doesn't tell. */
  readonly window?: number | undefined;
}

/**
 * A registry that content is fetched from. Nothing is asked before the first call: an upstream that is away stops no start.
 * Every call throws {@link UpstreamError}, or the reason of its signal. `name` is the repository's name at the upstream.
 */
export interface Upstream {
  /** The host, and port if it isn't the scheme's, that it is configured with: for messages, metrics and health. */
  readonly host: string;
  /** Where `reference` points to: by HEAD, and by GET where HEAD isn't enough. */
  resolveManifest(name: RepositoryName, reference: TagName | Digest, call?: ManifestCall): Promise<ResolvedManifest>;
  /** The manifest, at most 4 MiB, checked against `reference` if it is a digest, and against the digest that the upstream tells. */
  fetchManifest(name: RepositoryName, reference: TagName | Digest, call?: ManifestCall): Promise<FetchedManifest>;
  /**
   * The blob's bytes from `offset` on, resolved with the upstream's headers. A connection that breaks off is resumed; an upstream
   * that ignores ranges is read from its beginning, unseen. INVALID_ANSWER where the upstream tells the size neither here nor if
   * it is asked for it.
   */
  openBlob(
    name: RepositoryName,
    digest: Digest,
    call?: UpstreamCall & { readonly offset?: number | undefined },
  ): Promise<UpstreamBlob>;
  /** The blob's size, by HEAD, or by GET where the upstream refuses HEAD (Public ECR, signed URLs). */
  blobSize(name: RepositoryName, digest: Digest, call?: UpstreamCall): Promise<number>;
  /** A page of the tags. Names that are no tags are left out. */
  tags(name: RepositoryName, page?: UpstreamPageRequest): Promise<UpstreamPage<TagName>>;
  /** A page of the repositories. UNSUPPORTED or DENIED where the upstream doesn't show them. */
  repositories(page?: UpstreamPageRequest): Promise<UpstreamPage<RepositoryName>>;
  /**
   * All who name `subject`: from the upstream's API, or from the fallback tag where it has none (distribution-spec §Referrers Tag
   * Schema). Empty where there are none.
   */
  referrers(
    name: RepositoryName,
    subject: Digest,
    call?: UpstreamCall & { readonly artifactType?: string | undefined },
  ): Promise<readonly Descriptor[]>;
  /** Asks whether the upstream answers; a challenge is an answer. Needs no credentials and sends none. */
  ping(call?: UpstreamCall): Promise<void>;
  status(): UpstreamStatus;
  /** The consumer found that a blob's bytes aren't what was asked for: shown by {@link Upstream.status} as its last error. */
  blame(reason: string): void;
  /** Ends all connections. Open blobs throw. Idempotent. */
  close(): Promise<void>;
}

/** What is reported of an upstream's requests, for logs and metrics. */
export interface UpstreamObserver {
  /** A request was answered (`status`) or failed (undefined), with the seconds to its headers. */
  answered?(host: string, request: UpstreamRequestKind, status: number | undefined, seconds: number): void;
  /** A request is repeated, or a broken blob resumed, after `pause` ms. */
  retried?(host: string, reason: string, pause: number): void;
  /** Requests are refused here for so many seconds. */
  paused?(host: string, reason: PauseReason, seconds: number): void;
}

/** What a request is for. */
export type UpstreamRequestKind = "manifest" | "blob" | "tags" | "catalog" | "referrers" | "ping" | "token";
