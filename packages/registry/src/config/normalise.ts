import { API_METHODS, API_REQUEST_HEADERS } from "../http/cors/policy.js";
import { accessConfig } from "./access.js";
import { parseAddress } from "./address.js";
import {
  type AuditConfig,
  type Config,
  type CorsConfig,
  type DebugConfig,
  type HttpConfig,
  type StorageConfig,
  type StorageType,
  type TlsConfig,
} from "./config.js";
import { middlewareConfig } from "./middleware.js";
import { checkParameters } from "./parameters.js";
import { notificationsConfig } from "./notifications.js";
import { redisConfig } from "./redis.js";
import { type Report } from "./report.js";
import { type ParsedConfig } from "./schema/root.js";
import { type Path } from "./yaml/tree.js";

export interface Machine {
  /** Cores that the process may use. */
  readonly cores: number;
}

/**
 * Fills in what depends on other keys or on the machine, and checks the keys against each other.
 * The result counts only if no error was reported.
 */
export function normalise(parsed: ParsedConfig, type: StorageType, machine: Machine, report: Report): Config {
  const storage = storageConfig(parsed.storage, type, machine, report);
  return {
    version: "0.1",
    log: {
      level: parsed.log.level ?? parsed.loglevel ?? "info",
      formatter: parsed.log.formatter ?? "text",
      fields: parsed.log.fields ?? {},
      accesslog: parsed.log.accesslog,
      reportcaller: parsed.log.reportcaller,
      audit: auditConfig(parsed.log.audit),
    },
    storage,
    middleware: { storage: middlewareConfig(parsed.middleware.storage, storage, report) },
    ...accessConfig(parsed, report),
    http: httpConfig(parsed.http, type, machine, report),
    health: healthConfig(parsed.health, report),
    redis: redisConfig(parsed, report),
    catalog: {
      maxentries: parsed.catalog.maxentries > 0 ? parsed.catalog.maxentries : 1000,
      filter: parsed.catalog.filter,
    },
    tags: { maxtags: parsed.tags.maxtags > 0 ? parsed.tags.maxtags : 1000 },
    validation: validationConfig(parsed.validation, report),
    policy: { repository: { classes: parsed.policy.repository.classes } },
    notifications: notificationsConfig(parsed, type, report),
  };
}

function storageConfig(
  parsed: ParsedConfig["storage"],
  type: StorageType,
  machine: Machine,
  report: Report,
): StorageConfig {
  const { cache, tag } = parsed;
  const parameters = parsed[type] ?? {};
  checkParameters(type, parameters, report);
  return {
    type,
    parameters,
    delete: parsed.delete,
    redirect: parsed.redirect,
    cache: {
      blobdescriptor: cache.blobdescriptor ?? cache.layerinfo,
      blobdescriptorsize: cache.blobdescriptorsize > 0 ? cache.blobdescriptorsize : 1_000_000,
      manifestbytes: cache.manifestbytes,
      sharedmanifestsize: cache.sharedmanifestsize,
    },
    maintenance: parsed.maintenance,
    tag: { concurrencylimit: tag.concurrencylimit > 0 ? tag.concurrencylimit : machine.cores },
  };
}

function auditConfig({ target, pulls }: ParsedConfig["log"]["audit"]): AuditConfig | undefined {
  return given(target) === undefined || target === undefined ? undefined : { target, pulls };
}

function httpConfig(parsed: ParsedConfig["http"], type: StorageType, machine: Machine, report: Report): HttpConfig {
  const net = parsed.net ?? "tcp";
  const addr = given(parsed.addr) ?? ":0";
  checkAddress(net, addr, report);
  if (parsed.workers !== undefined && parsed.workers > 1 && type === "inmemory") {
    const message = `found ${parsed.workers}; allowed: 1 with storage.inmemory, since processes share no memory`;
    report.error(["http", "workers"], message);
  }
  return {
    addr,
    net,
    host: hostOf(parsed, report),
    prefix: given(parsed.prefix) ?? "/",
    secret: parsed.secret,
    relativeurls: parsed.relativeurls,
    draintimeout: parsed.draintimeout,
    headers: parsed.headers,
    tls: tlsConfig(parsed.tls, report),
    debug: debugConfig(parsed.debug, report),
    http2: parsed.http2,
    h2c: parsed.h2c,
    workers: type === "inmemory" ? 1 : (parsed.workers ?? machine.cores),
    limits: parsed.limits,
    cors: corsConfig(parsed.cors, report),
    trustedproxies: parsed.trustedproxies,
  };
}

function corsConfig(parsed: ParsedConfig["http"]["cors"], report: Report): CorsConfig | undefined {
  const { origins, methods = API_METHODS, headers = API_REQUEST_HEADERS, maxage, credentials } = parsed;
  if (origins.length === 0) return undefined;
  if (credentials && origins.includes("*")) {
    const message =
      'not with origins: ["*"], since then any page could use the login of whoever looks at it; name the origins';
    report.error(["http", "cors", "credentials"], message);
  }
  return { origins, methods, headers, maxage, credentials };
}

function hostOf({ host }: ParsedConfig["http"], report: Report): string | undefined {
  if (given(host) === undefined || /^https?:/i.test(host ?? "")) return given(host);
  report.warning(["http", "host"], "ignored, since it has no scheme; write it as https://<host>");
  return undefined;
}

function debugConfig({ addr, prometheus }: ParsedConfig["http"]["debug"], report: Report): DebugConfig {
  if (prometheus.enabled && given(addr) === undefined) {
    report.warning(["http", "debug", "prometheus", "enabled"], "no metrics without http.debug.addr");
  }
  return { addr: given(addr), prometheus: { enabled: prometheus.enabled, path: given(prometheus.path) ?? "/metrics" } };
}

/** An empty text is the same as none: that is how one unsets a key of the file in the environment. */
function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function checkAddress(net: "tcp" | "unix", addr: string, report: Report): void {
  const path = ["http", "addr"];
  if (net === "unix") {
    // Linux: sun_path has 108 bytes with the closing zero.
    if (!addr.startsWith(":") && Buffer.byteLength(addr) <= 107 && !addr.includes("\0")) return;
    report.error(path, `found ${JSON.stringify(addr)}; allowed with net: unix: a path of at most 107 bytes`);
  } else if (parseAddress(addr) === undefined) {
    report.error(path, `found ${JSON.stringify(addr)}; allowed: host:port, such as :5000 or 127.0.0.1:5000`);
  }
}

function tlsConfig(parsed: ParsedConfig["http"]["tls"], report: Report): TlsConfig | undefined {
  const { certificate = "", key = "" } = parsed;
  const minimumtls = parsed.minimumtls ?? "tls1.2";
  if (certificate !== "" && key === "")
    report.error(["http", "tls", "key"], "missing; http.tls.certificate needs its key");
  if (certificate === "" && key !== "") {
    report.error(["http", "tls", "certificate"], "missing; http.tls.key needs its certificate");
  }
  if (certificate === "" && parsed.clientcas.length > 0) {
    const message = "needs http.tls.certificate and http.tls.key: over plain HTTP nobody is asked for a certificate";
    report.error(["http", "tls", "clientcas"], message);
  }
  if (certificate === "" || key === "") return undefined;
  if (minimumtls === "tls1.3" && parsed.ciphersuites.length > 0) {
    report.warning(["http", "tls", "ciphersuites"], "ignored with minimumtls: tls1.3, which has its own suites");
  }
  return {
    certificate,
    key,
    clientcas: parsed.clientcas,
    clientauth: parsed.clientauth ?? "require-and-verify-client-cert",
    minimumtls,
    ciphersuites: minimumtls === "tls1.3" ? [] : parsed.ciphersuites,
  };
}

function healthConfig(parsed: ParsedConfig["health"], report: Report): Config["health"] {
  const atLeastOne = (threshold: number) => Math.max(1, threshold);
  const names = new Set<string>();
  const unique = (path: Path, name: string) => {
    if (names.has(name))
      report.error(path, `there is a check of ${JSON.stringify(name)} already; allowed: each name once`);
    names.add(name);
  };
  parsed.file.forEach(({ file }, index) => unique(["health", "file", index, "file"], file));
  parsed.http.forEach(({ uri }, index) => unique(["health", "http", index, "uri"], uri));
  parsed.tcp.forEach(({ addr }, index) => unique(["health", "tcp", index, "addr"], addr));
  const { storagedriver } = parsed;
  return {
    gate: parsed.gate ?? "probes",
    storagedriver: { ...storagedriver, ...timing(storagedriver), threshold: atLeastOne(storagedriver.threshold) },
    file: parsed.file.map((check) => ({ ...check, ...timing(check) })),
    http: parsed.http.map((check) => ({
      ...check,
      ...timing(check),
      statuscode: check.statuscode === 0 ? 200 : (check.statuscode ?? 200),
      threshold: atLeastOne(check.threshold),
    })),
    tcp: parsed.tcp.map((check) => ({ ...check, ...timing(check), threshold: atLeastOne(check.threshold) })),
  };
}

/** As in the original an interval of 0 is the default (contract §9.1). */
function timing({ interval }: { interval: number }): { interval: number } {
  return { interval: interval > 0 ? interval : 10_000 };
}

/** The original's words (contract §11.1). */
const INCOMPLETE_INDEXES =
  "Image index completeness validation has been disabled, which is an experimental option because other container tooling might expect all image indexes to be complete";

function validationConfig(parsed: ParsedConfig["validation"], report: Report): Config["validation"] {
  if (parsed.enabled && parsed.disabled) {
    report.warning(["validation", "enabled"], "validation stays on: the older key enabled wins over disabled");
  }
  const { urls, indexes } = parsed.manifests;
  if (indexes.platforms === "none" || indexes.platforms === "list") {
    report.warning(["validation", "manifests", "indexes", "platforms"], INCOMPLETE_INDEXES);
  }
  return {
    disabled: parsed.disabled && !parsed.enabled,
    manifests: {
      urls,
      indexes: {
        platforms: indexes.platforms ?? "all",
        platformlist: indexes.platformlist.map(({ architecture = "", os = "" }) => ({ architecture, os })),
      },
    },
  };
}
