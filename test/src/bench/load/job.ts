/**
 * What a load process is told to do, as JSON in its only argument. It answers one line of JSON, a {@link LoadResult}. Any
 * answer from the registry that isn't the expected one ends it with an error: a load that failed in part is no measurement.
 */
export type LoadJob = HeadJob | DownloadJob | PullJob | ManifestJob | PushJob;

/** HEAD requests over keep-alive connections for a time. (wrk waits for the body that Content-Length announces.) */
export interface HeadJob {
  readonly kind: "head";
  readonly url: string;
  /** Sent as `Accept`; any by default. */
  readonly accept?: string | undefined;
  readonly connections: number;
  readonly seconds: number;
}

/** Each URL is read once to its end over a connection of its own, all at once; the bytes are counted and thrown away. */
export interface DownloadJob {
  readonly kind: "download";
  readonly urls: readonly string[];
}

/** An image, pulled whole by several clients at once as Docker does: its manifest by tag, then its blobs, three at a time. */
export interface PullJob {
  readonly kind: "pull";
  readonly origin: string;
  readonly repository: string;
  readonly tag: string;
  readonly clients: number;
}

/** An image's manifest, pushed again and again under new tags with another annotation each time. */
export interface ManifestJob {
  readonly kind: "manifests";
  readonly origin: string;
  readonly repository: string;
  /** The text of the manifest, whose blobs the repository has. */
  readonly manifest: string;
  readonly connections: number;
  readonly seconds: number;
}

/** How a blob is pushed. */
export type PushWay = "monolithic" | "patch" | "chunks";

/** Blobs of random bytes, no two alike, pushed over `connections` connections until `count` are done or the time is up. */
export interface PushJob {
  readonly kind: "push";
  readonly origin: string;
  readonly repository: string;
  /** POST and PUT with the body; POST, one streamed PATCH and PUT; or POST, a PATCH for every 5 MiB and PUT. */
  readonly how: PushWay;
  readonly size: number;
  readonly connections: number;
  readonly limit: { readonly count: number } | { readonly seconds: number };
}

export interface LoadResult {
  /** Requests, downloads, pulls or pushes that were completed. */
  readonly operations: number;
  /** From the first connection to the last answer. */
  readonly seconds: number;
  /** The digests of the pushed blobs, where they were counted and not timed. */
  readonly digests: readonly string[];
}
