import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { abortable } from "@longshore/base/abort";
import { MIB } from "@longshore/base/size";
import {
  isStorageError,
  sizeOfBytes,
  StorageError,
  type ByteRange,
  type CallOptions,
  type ContentStream,
  type Descriptor,
  type Digest,
  type Registry,
  type StorageDriver,
} from "@longshore/storage";
import type { MirrorObserver } from "../contract.js";
import type { Refusals } from "../refusals.js";
import type { Route } from "../routing.js";
import { isUpstreamError, UpstreamError } from "../upstream/errors.js";
import { orUnknownBlob } from "../upstream-errors.js";
import { createBlockPool } from "./block-pool.js";
import { UNSHARED, type Claim, type ClaimNote, type Claims } from "./claims.js";
import { startDownload, type Download, type DownloadOutcome } from "./download.js";
import { joinLeftover, openLeftover } from "./leftover.js";
import { provesPossession } from "./possession.js";
import { openRange } from "./ranged.js";
import { followRemote, HolderLostError } from "./remote-download.js";
import { createResumableStream } from "./resumable-stream.js";
import type { Spool } from "./spool.js";

/** What the blobs of all mirrored repositories share. */
export interface BlobCacheParts {
  /** What is cached. */
  readonly registry: Registry;
  readonly driver: StorageDriver;
  readonly spool: Spool;
  readonly claims: Claims;
  /** For how long (ms) a client waits for a blob that another machine downloads. */
  readonly patience: number;
  readonly refusals: Refusals;
  readonly observer: MirrorObserver;
  /** For how long (ms) a download goes on when its last client has left. */
  readonly linger: number;
  /** Called when a blob was stored. */
  readonly onStored: (route: Route, digest: Digest) => void;
}

/** Blobs that aren't cached yet. Errors are those of `BlobStore`, and UpstreamError. */
export interface BlobCache {
  /** The blob's size by the upstream's word; nothing is downloaded. */
  stat(route: Route, digest: Digest, options?: CallOptions): Promise<Descriptor>;
  /** The blob, from the one download that all its clients share. */
  open(route: Route, digest: Digest, options?: CallOptions & ByteRange): Promise<ContentStream>;
  /** Resolves when no download is under way. */
  settle(): Promise<void>;
}

/** Bytes of memory for what a download received last. */
const WINDOW = 4 * MIB;

/** How far ahead of a download a client's range may begin for it to wait instead of asking the upstream for the range. */
const NEAR = 4 * MIB;

/** Between two looks whether another replica has stored the blob (ms). */
const REPLICA_LOOK = 250;

/** What a client reads of a blob: from `start` to `stop` (exclusive). */
interface Wanted {
  readonly route: Route;
  readonly digest: Digest;
  readonly start: number;
  readonly stop: number;
  readonly signal: AbortSignal | undefined;
  /** Whether it has bytes of another source already. */
  readonly hasGiven: boolean;
  /** Whether the blob was evicted while it was read, which is made up for once. */
  readonly wasEvicted: boolean;
}

/** A blob's download, here or in another process; undefined: it has just been stored. */
type Source = Download | undefined;

export function createBlobCache(parts: BlobCacheParts): BlobCache {
  const { registry, driver, spool, claims, refusals, observer } = parts;
  const sources = new Map<string, Promise<Source>>();
  const running = new Set<Promise<unknown>>();
  const claimsOf = new WeakMap<Download, Claim>();
  const pool = createBlockPool();
  const closing = new AbortController();
  // Each download of another process waits with it: more than ten at a time are no leak.
  setMaxListeners(0, closing.signal);

  const ask = async <T>(route: Route, digest: Digest, question: () => Promise<T>): Promise<T> =>
    orUnknownBlob(digest, refusals.through(aboutBlob(route, digest), question));

  /** Throws REFUSED for a blob of `size` bytes that is larger than the configuration allows. */
  const checkSize = ({ upstream }: Route, size: number): void => {
    const { maxBlobBytes: most, client } = upstream;
    if (most === 0 || size <= most) return;
    const reason = `the blob has ${size} bytes, and maxblobbytes allows ${most}`;
    throw new UpstreamError(client.host, { code: "REFUSED", reason });
  };

  const storedSize = async ({ name }: Route, digest: Digest): Promise<number | undefined> => {
    try {
      return (await registry.repository(name).blobs.stat(digest)).size;
    } catch (error) {
      if (isStorageError(error, "BLOB_UNKNOWN")) return undefined;
      throw error;
    }
  };

  const openStored = ({ name }: Route, digest: Digest, start: number, stop: number): Promise<ContentStream> =>
    registry.repository(name).blobs.open(digest, { start, end: stop - 1 });

  /** Waits for `source` to end before the registry closes, and forgets it then. */
  const track = (key: string, source: Download, whenEnded: (outcome: DownloadOutcome) => Promise<void>): Download => {
    const ended = source.ended.then(async (outcome) => {
      await whenEnded(outcome);
      running.delete(ended);
      if (running.size === 0) pool.clear();
      if ((await sources.get(key)?.catch(() => undefined)) === source) sources.delete(key);
    });
    running.add(ended);
    return source;
  };

  /** Downloads from the upstream, behind what a dead process has left. */
  const download = async (route: Route, digest: Digest, path: string, claim: Claim): Promise<Download> => {
    const { upstream, remote } = route;
    const left = claim.previous === undefined ? undefined : await openLeftover(spool.files, claim.previous.file);
    const offset = left?.length ?? 0;
    const note: ClaimNote = { file: path, continues: left?.file };
    let known = offset;
    claim.tell(note);
    const source = startDownload({
      upstream: upstream.client.host,
      digest,
      continues: left?.file,
      open: async (signal) => {
        try {
          const rest = await ask(route, digest, () => upstream.client.openBlob(remote, digest, { offset, signal }));
          try {
            checkSize(route, rest.size);
          } catch (error) {
            await rest.close();
            throw error;
          }
          return left === undefined ? rest : joinLeftover(left, rest);
        } catch (error) {
          await left?.stream.close();
          throw error;
        }
      },
      createFile: () => spool.create(route.name, path),
      openStored: (start, stop) => openStored(route, digest, start, stop),
      windowBytes: WINDOW,
      pool,
      linger: parts.linger,
      onSize: (size) => claim.tell({ ...note, size }),
      onBytes: (count) => {
        const repeated = Math.min(known, count);
        known -= repeated;
        observer.pulled?.("blob", count - repeated);
      },
      onNotStored: (error) => {
        observer.notStored?.(upstream.label, "blob", error);
        // What has no file can't be followed.
        void claim.release();
      },
    });
    claimsOf.set(source, claim);
    return track(keyOf(route, digest), source, async ({ isStored, error }) => {
      await claim.release();
      observer.downloaded?.(upstream.label, isStored, error);
      if (isUpstreamError(error)) {
        refusals.remember(aboutBlob(route, digest), error);
        if (error.fault.code === "INVALID_ANSWER") upstream.client.blame(error.fault.reason);
      }
      if (isStored) parts.onStored(route, digest);
    });
  };

  /** Follows the other process's file where this machine has it. */
  const follow = async (route: Route, digest: Digest, note: ClaimNote): Promise<Download | undefined> => {
    if (!(await spool.hasFile(note.file))) return undefined;
    const source = followRemote({
      spool,
      note,
      look: () => claims.look(route, digest),
      storedSize: () => storedSize(route, digest),
      openStored: (start, stop) => openStored(route, digest, start, stop),
      signal: closing.signal,
    });
    return track(keyOf(route, digest), source, () => Promise.resolve());
  };

  /** One process gets the right to download; the others follow its file, or wait for a while until it has stored the blob. */
  const begin = async (route: Route, digest: Digest): Promise<Source> => {
    const began = performance.now();
    const path = spool.pathFor(digest);
    let source: Download | undefined;
    let wantedAt: number | undefined;
    const onBeat = (): void => {
      void spool.wantedAt(path).then((at) => {
        if (at !== wantedAt) source?.want?.();
        wantedAt = at;
      });
    };
    for (;;) {
      const isLate = performance.now() - began > parts.patience;
      const claim = isLate ? UNSHARED : await claims.take(route, digest, { file: path }, onBeat);
      if (claim !== undefined) {
        if ((await storedSize(route, digest)) === undefined) {
          source = await download(route, digest, path, claim);
          return source;
        }
        await claim.release();
        return undefined;
      }
      const holder = await claims.look(route, digest);
      const followed = holder === undefined ? undefined : await follow(route, digest, holder.note);
      if (followed !== undefined) {
        observer.joined?.(route.upstream.label);
        return followed;
      }
      if ((await storedSize(route, digest)) !== undefined) return undefined;
      await delay(REPLICA_LOOK, undefined, { signal: closing.signal });
    }
  };

  /** The download of a blob that can serve `from`. */
  const sourceOf = async (route: Route, digest: Digest, from: number): Promise<Source> => {
    const key = keyOf(route, digest);
    const current = sources.get(key);
    if (current !== undefined) {
      const source = await current;
      if (source?.canServe(from) === true) {
        observer.joined?.(route.upstream.label);
        return source;
      }
      // One that failed, or can't be stored, is of no use to others either.
      if (source !== undefined) await claimsOf.get(source)?.release();
      // Others may have begun another one meanwhile.
      const latest = sources.get(key);
      if (latest !== undefined && latest !== current) return sourceOf(route, digest, from);
    }
    const begun = begin(route, digest);
    sources.set(key, begun);
    const forget = (): void => {
      if (sources.get(key) === begun) sources.delete(key);
    };
    try {
      const source = await begun;
      if (source === undefined) forget();
      return source;
    } catch (error) {
      forget();
      throw error;
    }
  };

  /** A download that has begun to arrive. */
  const begunSource = async (
    route: Route,
    digest: Digest,
    from: number,
  ): Promise<{ readonly source: Download; readonly size: number } | undefined> => {
    for (;;) {
      const source = await sourceOf(route, digest, from);
      try {
        return source && { source, size: await orUnknownBlob(digest, source.size) };
      } catch (error) {
        if (!(error instanceof HolderLostError)) throw error;
      }
    }
  };

  /** Reads on, where the process that downloaded the blob has died or the blob was evicted when it was stored, from a download that begins with the same bytes. */
  const read = (source: Download, wanted: Wanted): ContentStream => {
    const { route, digest, start, stop, signal } = wanted;
    return createResumableStream(source.read(start, stop, signal), start, async (offset, error) => {
      // What was stored had the digest: whatever has it, too, goes on with the same bytes.
      const isEvicted = isStorageError(error, "BLOB_UNKNOWN") && !wanted.wasEvicted;
      if (!isEvicted && !(error instanceof HolderLostError)) throw error;
      const next = await sourceOf(route, digest, offset);
      if (next === undefined) return openStored(route, digest, offset, stop);
      const hasGiven = wanted.hasGiven || offset > start;
      if (error instanceof HolderLostError) {
        const isSame = error.file !== undefined && next.continues === error.file;
        if (hasGiven && !isSame) throw interrupted(route, error);
      }
      return read(next, { ...wanted, start: offset, hasGiven, wasEvicted: wanted.wasEvicted || isEvicted });
    });
  };

  /**
   * Links bytes that another repository has already: they needn't come twice. The upstream must show that this repository has
   * them, too: a digest that is known is no right to what it names.
   */
  const linkKnownBytes = async (route: Route, digest: Digest, options?: CallOptions): Promise<boolean> => {
    const size = await sizeOfBytes(driver, digest, options);
    if (size === undefined) return false;
    if (!(await ask(route, digest, () => provesPossession(driver, route, { digest, size }, options)))) return false;
    try {
      await registry.repository(route.name).blobs.mount(digest, undefined, options);
    } catch (error) {
      if (isStorageError(error)) return false;
      throw error;
    }
    parts.onStored(route, digest);
    return true;
  };

  return {
    async stat(route, digest, options) {
      const { client } = route.upstream;
      // Without waiting for one that only begins.
      const source = await Promise.race([sources.get(keyOf(route, digest)), NO_SOURCE]).catch(() => undefined);
      const size =
        // One that failed a moment ago says nothing.
        source?.canServe(0) !== true
          ? await ask(route, digest, () => client.blobSize(route.remote, digest, options))
          : await abortable(source.size, options?.signal);
      checkSize(route, size);
      return { mediaType: "application/octet-stream", digest, size };
    },

    async open(route, digest, options) {
      const from = options?.start ?? 0;
      const stored = registry.repository(route.name).blobs;
      if (!sources.has(keyOf(route, digest)) && (await linkKnownBytes(route, digest, options))) {
        return stored.open(digest, options);
      }
      const found = await abortable(begunSource(route, digest, from), options?.signal);
      if (found === undefined) return stored.open(digest, options);
      const { source, size } = found;
      if (from > size) {
        throw new StorageError({ code: "INVALID_OFFSET", driver: driver.name, path: digest, offset: from });
      }
      const stop = options?.end === undefined ? size : Math.min(size, options.end + 1);
      if (from > source.received + NEAR) {
        const range = await openRange(route, digest, { start: from, stop, size }, options);
        if (range !== undefined) return range;
      }
      return read(source, {
        route,
        digest,
        start: from,
        stop,
        signal: options?.signal,
        hasGiven: false,
        wasEvicted: false,
      });
    },

    async settle() {
      closing.abort(new Error("the registry stops"));
      while (running.size > 0) await Promise.all(running);
    },
  };
}

function interrupted({ upstream }: Route, cause: Error): UpstreamError {
  return new UpstreamError(
    upstream.client.host,
    { code: "UNAVAILABLE", reason: cause.message, retryAfter: 1 },
    { cause },
  );
}

const NO_SOURCE = Promise.resolve(undefined);

function aboutBlob({ name }: Route, digest: Digest): string {
  return `blob ${name}@${digest}`;
}

function keyOf({ name }: Route, digest: Digest): string {
  return `${name}@${digest}`;
}
