import type { CorsOptions } from "./cors/policy.js";
import type { RedirectOptions } from "./redirects.js";

/**
 * What the API is told, in plain values with every default filled in; the composition fills it from the configuration.
 * Durations are milliseconds, sizes bytes.
 */
export interface ApiOptions {
  /** `http.prefix`: begins and ends with `/`; `/` is none. */
  readonly prefix: string;
  /** `http.host`: base of every absolute URL; ignored where it has no scheme and host (contract §1.5). */
  readonly host: string | undefined;
  /** `http.relativeurls`. */
  readonly relativeUrls: boolean;
  /** `http.headers`: added to every answer of a matched route, one line a value. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** `http.cors`; undefined: what `http.headers` says of it. */
  readonly cors?: CorsOptions | undefined;
  /** `http.trustedproxies`: whose word on a client's address is taken. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** `catalog.filter`: whether identities see only what they may pull, where the access controller can tell. */
  readonly catalogFilter?: boolean | undefined;
  /** `http.secret`: signs upload locations. The same in every process that may take an upload over. */
  readonly secret: string;
  /** `storage.delete.enabled`. */
  readonly deleteEnabled: boolean;
  /** `storage.maintenance.readonly.enabled`. */
  readonly readOnly: boolean;
  /** Whom to send to where the bytes are, if the storage can tell; a word where it is everybody or nobody. */
  readonly redirect: boolean | RedirectOptions;
  /** `catalog.maxentries`. */
  readonly catalogMaxEntries: number;
  /** `tags.maxtags`. */
  readonly tagsMaxTags: number;
  /** The largest manifest that is taken. */
  readonly manifestMaxBytes: number;
  /** Told to clients that push in chunks, where smaller ones would cost; undefined: not told. */
  readonly chunkMinLength: number | undefined;
  /** How long a body may bring nothing; 0: for ever. */
  readonly bodyIdleTimeout: number;
  /** How long a client may take for the part of a blob that was handed to it; 0: for ever. */
  readonly sendTimeout: number;
}
