import { type RedisOptions, type StorageMiddleware } from "@longshore/storage";
import { type CipherSuite } from "./cipher-suites.js";
import { type NotificationsConfig } from "./notifications.js";
import { type Secret } from "./secret.js";

/**
 * The configuration that the registry runs with: read from config.yml and the environment, checked, with every default
 * filled in, and frozen. Keys are spelled as in the file (docs/configuration.md says what each one means).
 *
 * Units: durations are whole milliseconds (0 has the meaning that the key documents), sizes are bytes.
 * What this version refuses (proxy, …) has no place here.
 */
export interface Config {
  readonly version: "0.1";
  readonly log: LogConfig;
  readonly storage: StorageConfig;
  /** In the order of the file: the last one is asked first. */
  readonly middleware: { readonly storage: readonly StorageMiddlewareEntry[] };
  readonly auth: AuthConfig;
  /** The rules as they were written, each understood; undefined: there are none. */
  readonly access: readonly unknown[] | undefined;
  readonly http: HttpConfig;
  readonly health: HealthConfig;
  /** Undefined: no address is given. */
  readonly redis: RedisConfig | undefined;
  readonly catalog: { readonly maxentries: number; readonly filter: boolean };
  readonly tags: { readonly maxtags: number };
  readonly validation: ValidationConfig;
  readonly policy: {
    readonly repository: {
      /** Classes that a pushed manifest may have; undefined: no check. */
      readonly classes: readonly string[] | undefined;
    };
  };
  readonly notifications: NotificationsConfig;
}

type LogLevel = "error" | "warn" | "info" | "debug";
type LogFormatter = "text" | "json" | "logstash";

export interface LogConfig {
  /** `log.level`, else the older `loglevel`. */
  readonly level: LogLevel;
  readonly formatter: LogFormatter;
  /** On every application log line. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accesslog: { readonly disabled: boolean };
  readonly reportcaller: boolean;
  /** Undefined: no audit log. */
  readonly audit: AuditConfig | undefined;
}

export type StorageType = "filesystem" | "inmemory" | "s3" | "s3aws";

export interface StorageConfig {
  /** The one driver that the section names. */
  readonly type: StorageType;
  /** The driver's own keys, for the driver factory, once its secrets are revealed. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly delete: { readonly enabled: boolean };
  readonly redirect: RedirectConfig;
  readonly cache: CacheConfig;
  readonly maintenance: {
    readonly uploadpurging: UploadPurgingConfig;
    readonly gc: CollectionConfig;
    readonly readonly: { readonly enabled: boolean };
  };
  readonly tag: {
    /** Parallel reads of tag links; at least 1. */
    readonly concurrencylimit: number;
  };
}

interface RedirectConfig {
  readonly disable: boolean;
  /** The first rule with the client's network decides; without one `disable` does. */
  readonly clients: readonly { readonly networks: readonly string[]; readonly disable: boolean }[];
}

/** An entry of `middleware.storage` that isn't disabled. */
export interface StorageMiddlewareEntry {
  /** Its place in the list. */
  readonly index: number;
  readonly middleware: StorageMiddleware;
}

/** What the storage room connects to, with its passwords still secret. */
export interface RedisConfig extends Omit<RedisOptions, "password" | "sentinelPassword"> {
  readonly password: Secret | undefined;
  readonly sentinelPassword: Secret | undefined;
}

interface CacheConfig {
  /** Undefined: no descriptor cache. `redis` only where {@link Config.redis} is there. */
  readonly blobdescriptor: "inmemory" | "redis" | undefined;
  /** Descriptors that a process remembers; 0: the most that is allowed (1,000,000), since every cache has a bound. */
  readonly blobdescriptorsize: number;
  /** Bytes of manifests that a process remembers; 0: none. */
  readonly manifestbytes: number;
  /** Bytes of the largest manifest that is kept in Redis; 0: none is. */
  readonly sharedmanifestsize: number;
}

/** `storage.maintenance.gc`. */
export interface CollectionConfig {
  readonly enabled: boolean;
  readonly interval: number;
  /** `HH:MM`, UTC. Undefined: some time after the start. */
  readonly timeofday?: string | undefined;
  readonly graceperiod: number;
  readonly deleteuntagged: { readonly enabled: boolean; readonly age: number };
  readonly dryrun: boolean;
  /** Undefined: below the system's temporary directory. */
  readonly workdirectory?: string | undefined;
}

export interface UploadPurgingConfig {
  readonly enabled: boolean;
  readonly age: number;
  readonly interval: number;
  readonly dryrun: boolean;
}

export interface AuthConfig {
  readonly type: "none" | "silly" | "htpasswd" | "token" | "mtls";
  /** The controller's own keys, for the controller factory. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `auth.mtls` where it stands beside `htpasswd`. */
  readonly mtls: Readonly<Record<string, unknown>> | undefined;
}

/** `log.audit` when it is on. */
export interface AuditConfig {
  /** `stdout`, `stderr` or a file's path. */
  readonly target: string;
  readonly pulls: boolean;
}

/** `http.cors` when it is on. */
export interface CorsConfig {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  /** ms */
  readonly maxage: number;
  readonly credentials: boolean;
}

export interface HttpConfig {
  /** `host:port` or, for `net: unix`, a socket's path. `:0` (the default): a port that the system chooses. */
  readonly addr: string;
  readonly net: "tcp" | "unix";
  /** Base of every absolute URL, if it is to be fixed: scheme, host, perhaps a path. */
  readonly host: string | undefined;
  /** Begins and ends with `/`; `/` is none. */
  readonly prefix: string;
  /** Undefined: the server makes a random one and says so. */
  readonly secret: Secret | undefined;
  readonly relativeurls: boolean;
  /** 0: the server chooses. */
  readonly draintimeout: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Undefined: plain HTTP. */
  readonly tls: TlsConfig | undefined;
  readonly debug: DebugConfig;
  readonly http2: { readonly disabled: boolean };
  readonly h2c: { readonly enabled: boolean };
  /** Processes that serve; at least 1, and 1 for `inmemory`. */
  readonly workers: number;
  readonly limits: HttpLimits;
  /** Undefined: what `http.headers` says of it. */
  readonly cors: CorsConfig | undefined;
  readonly trustedproxies: readonly string[];
}

export type ClientAuth =
  "request-client-cert" | "require-any-client-cert" | "verify-client-cert-if-given" | "require-and-verify-client-cert";

export interface TlsConfig {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Empty: clients are not asked for certificates, and `clientauth` has no meaning. */
  readonly clientcas: readonly string[];
  readonly clientauth: ClientAuth;
  readonly minimumtls: "tls1.2" | "tls1.3";
  /** Go's names; empty: the default suites. `CIPHER_SUITES` translates them. */
  readonly ciphersuites: readonly CipherSuite[];
}

export interface DebugConfig {
  /** Undefined: no debug server. */
  readonly addr: string | undefined;
  readonly prometheus: { readonly enabled: boolean; readonly path: string };
}

/** What a hostile or broken client meets. 0 means "no limit" for the times and for `connections`. */
export interface HttpLimits {
  /** All headers of a request together. */
  readonly headersize: number;
  readonly manifestsize: number;
  /** For a whole request head to arrive. */
  readonly headertimeout: number;
  /** For the next request on a connection that is kept alive. */
  readonly idletimeout: number;
  /** For the next byte of a request's body, or for a client to take the next one of an answer. */
  readonly bodyidletimeout: number;
  /** Open connections of one worker. */
  readonly connections: number;
  /** Unfinished upload sessions of one repository. */
  readonly uploads: number;
}

export interface HealthConfig {
  /** What is answered with 503 while a check fails: what balancers look at, or everything. */
  readonly gate: "probes" | "all";
  readonly storagedriver: {
    readonly enabled: boolean;
    readonly interval: number;
    readonly threshold: number;
    readonly successthreshold: number;
  };
  readonly file: readonly { readonly file: string; readonly interval: number }[];
  readonly http: readonly HttpCheck[];
  readonly tcp: readonly TcpCheck[];
}

export interface HttpCheck {
  readonly uri: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly statuscode: number;
  /** 0: none. */
  readonly timeout: number;
  readonly interval: number;
  /** Failures in a row until unhealthy; at least 1. */
  readonly threshold: number;
  /** Successes in a row until healthy again; at least 1. */
  readonly successthreshold: number;
}

export interface TcpCheck {
  readonly addr: string;
  /** 0: none. */
  readonly timeout: number;
  readonly interval: number;
  /** Failures in a row until unhealthy; at least 1. */
  readonly threshold: number;
  /** Successes in a row until healthy again; at least 1. */
  readonly successthreshold: number;
}

interface Platform {
  readonly architecture: string;
  readonly os: string;
}

interface ValidationConfig {
  /** The effective switch: `disabled` without the older `enabled`. */
  readonly disabled: boolean;
  readonly manifests: {
    readonly urls: {
      /** Unanchored, any of them; no flags that keep state. */
      readonly allow: readonly RegExp[];
      readonly deny: readonly RegExp[];
    };
    readonly indexes: {
      readonly platforms: "all" | "none" | "list";
      readonly platformlist: readonly Platform[];
    };
  };
}
