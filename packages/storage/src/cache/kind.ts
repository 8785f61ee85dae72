import type { Remark, VerifyRequest } from "@longshore/options/kind";
import type { CacheObserver, Caches } from "../contract/caches.js";
import type { RedisOptions } from "./redis/options.js";

/** What a cache is opened with. */
export interface CacheSettings {
  /** Descriptors that this process remembers; undefined: none. */
  readonly descriptors: number | undefined;
  /** The server that processes share; undefined if the configuration has none. */
  readonly redis: RedisOptions | undefined;
  /** Bytes of the largest manifest that is kept in Redis; 0: none is. */
  readonly sharedManifestBytes: number;
  /** What tells the storage from every other (`storageId`). */
  readonly identify: () => Promise<string>;
  readonly observer?: CacheObserver | undefined;
}

/** A cache that a configuration can name as `storage.cache.blobdescriptor`. Its sizes are shared by all of them. */
export interface CacheKind {
  readonly name: string;
  readonly aliases: readonly string[];
  /** What it caches, for the reference (Markdown). */
  readonly meaning: string;
  /** The section of the configuration that it needs; undefined: none. */
  readonly needs: "redis" | undefined;
  /** Throws RedisSettingError. */
  open(settings: CacheSettings): Promise<Caches>;
  /** Tries the section that it needs, and changes nothing; paths are within that section. */
  verify(settings: Pick<CacheSettings, "redis">, request: VerifyRequest): Promise<readonly Remark[]>;
}
