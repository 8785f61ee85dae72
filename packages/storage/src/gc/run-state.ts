import type { RepositoryName } from "../model/repository-name.js";
import { NO_LINKS } from "../cache/none.js";
import type { LinkCache } from "../contract/caches.js";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { splitDigest, type Digest } from "../model/digest.js";
import { DigestSet } from "./digest-set.js";
import type { Hiding } from "./file-hiding.js";
import type { CollectObserver, CollectOptions, CollectProgress } from "./options.js";
import type { WorkFiles } from "./work-files.js";

/** How many digests the output remembers as already reported (64 MiB); beyond that some are reported twice. */
const NAMED = 1_000_000;

/** What the parts of one collection share. */
export interface Run {
  /** As it is. */
  readonly driver: StorageDriver;
  readonly hiding: Hiding;
  /** As the stores see it: hidden files exist, and are put back when they are looked at. */
  readonly store: StorageDriver;
  readonly work: WorkFiles;
  readonly options: CollectOptions;
  /** For every call. Without the signal: a listener for each call would cost more than most calls take. */
  readonly call: CallOptions;
  /** Aborts the collection between two steps. */
  readonly signal: AbortSignal | undefined;
  readonly concurrency: number;
  readonly links: LinkCache;
  /** The storage's time when the collection began (ms). */
  readonly start: number;
  /** Times (ms, by the storage's clock): what changed at or after them stays. */
  readonly cutoff: number;
  /** The same for untagged manifests of a repository; undefined: all of them stay. */
  untaggedCutoff(name: RepositoryName): number | undefined;
  readonly report: Report;
  /** Marks `digest` as in use; returns whether that is new, as far as it remembers. */
  mark(digest: Digest): boolean;
}

/** What is reported while a collection runs, and counted for its result. */
export interface Report extends Required<CollectObserver> {
  readonly counts: Counts;
}

/** Changes as the collection proceeds. */
interface Counts {
  marked: number;
  eligibleBlobs: number;
  eligibleManifests: number;
  removedBlobs: number;
  removedManifests: number;
  removedLinks: number;
  freedBytes: number;
  young: number;
  youngBytes: number;
  problems: number;
}

export function createReport(observer: CollectObserver = {}): Report {
  const counts: Counts = {
    marked: 0,
    eligibleBlobs: 0,
    eligibleManifests: 0,
    removedBlobs: 0,
    removedManifests: 0,
    removedLinks: 0,
    freedBytes: 0,
    young: 0,
    youngBytes: 0,
    problems: 0,
  };
  return {
    counts,
    line: (text) => observer.line?.(text),
    removed: (what) => observer.removed?.(what),
    manifestRemoved: (name, digest) => observer.manifestRemoved?.(name, digest),
    problem: (text) => {
      counts.problems += 1;
      observer.problem?.(text);
    },
    progress: (progress: CollectProgress) => observer.progress?.(progress),
  };
}

export function createRun(
  { driver, store, hiding }: Pick<Run, "driver" | "store" | "hiding">,
  work: WorkFiles,
  options: CollectOptions,
  start: number,
): Run {
  const named = new DigestSet();
  return {
    driver,
    store,
    hiding,
    work,
    options,
    call: {},
    signal: options.signal,
    concurrency: options.concurrency ?? 16,
    links: options.caches?.links ?? NO_LINKS,
    start,
    cutoff: cutoffOf(start, options),
    untaggedCutoff: (name) => {
      const { age } = options.deleteUntagged ?? {};
      const own = typeof age === "function" ? age(name) : age;
      return own === undefined ? undefined : start - Math.max(options.grace, own);
    },
    report: createReport(options.observer),
    mark: (digest) => {
      if (named.size >= NAMED) named.clear();
      if (!named.add(digest)) return false;
      work.append(bucketFile("marks", bucketOf(digest)), digest);
      return true;
    },
  };
}

/** What changed at or after this time (ms) stays. */
export function cutoffOf(start: number, { grace }: Pick<CollectOptions, "grace">): number {
  return start - grace;
}

/** Digests are worked on by the first two digits of their hex part, as they are stored. */
export function bucketOf(digest: Digest): string {
  return splitDigest(digest).hex.slice(0, 2);
}

export const BUCKETS: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, "0"),
);

/** The work file of one kind for one bucket. */
export function bucketFile(kind: "marks" | "links" | "candidates" | "gone", bucket: string): string {
  return `${kind}-${bucket}`;
}
