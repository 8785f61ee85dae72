import type { Secret } from "@longshore/options/secret";
import type { normalise } from "./normalise.js";

/** `T` made read-only at every level, except for secrets and functions. */
type Frozen<T> = T extends Secret | ((...args: never[]) => unknown)
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Frozen<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T;

/**
 * The configuration that the registry runs with: read from config.yml and the environment, checked, with every default
 * filled in, and frozen. Its type is inferred from the schema: keys are spelled as in the file, and docs/configuration.md
 * documents each one.
 *
 * Durations are whole milliseconds (each key documents what 0 means) and sizes are bytes. Sections that this version refuses
 * don't appear here.
 */
export type Config = Frozen<ReturnType<typeof normalise>>;

export type LogConfig = Config["log"];
/** `log.audit`, if enabled. */
export type AuditConfig = NonNullable<LogConfig["audit"]>;
type StorageConfig = Config["storage"];
/** `storage.maintenance.gc`. */
export type CollectionConfig = StorageConfig["maintenance"]["gc"];
/** `storage.maintenance.scrub`. */
export type ScrubConfig = StorageConfig["maintenance"]["scrub"];
export type UploadPurgingConfig = StorageConfig["maintenance"]["uploadpurging"];
/** `proxy`, where there is anything to mirror. */
export type ProxyConfig = NonNullable<Config["proxy"]>;
/** `proxy.sync`, where there is anything to copy. */
export type SyncConfig = NonNullable<Config["sync"]>;
/** The Redis to connect to; passwords are still wrapped in a Secret. */
export type RedisConfig = NonNullable<Config["redis"]>;
export type { LetsEncryptConfig } from "./letsencrypt.js";
export type HttpConfig = Config["http"];
/** `http.tls`, if enabled. */
export type TlsConfig = NonNullable<HttpConfig["tls"]>;
/** Certificate and key of `http.tls` in files. */
export type TlsFiles = Extract<TlsConfig["source"], { kind: "files" }>;
export type ClientAuth = TlsConfig["clientauth"];
/** The limits that protect against hostile or broken clients. */
export type HttpLimits = HttpConfig["limits"];
/** `console`: the page for people. */
export type ConsoleConfig = Config["console"];
export type HealthConfig = Config["health"];
/** `notifications`, without disabled endpoints. */
export type NotificationsConfig = Config["notifications"];
export type EndpointConfig = NotificationsConfig["endpoints"][number];
