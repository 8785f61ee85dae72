import type { ChosenDriver } from "@longshore/storage";
import { MIB } from "@longshore/base/size";
import { checkCorsHeaders } from "./cors-headers.js";
import { accessConfig } from "./access.js";
import { parseAddress } from "@longshore/base/address";
import { healthConfig } from "./health.js";
import { middlewareConfig } from "./middleware.js";
import { notificationsConfig } from "./notifications.js";
import { letsEncryptConfig } from "./letsencrypt.js";
import { quote } from "./quote.js";
import { proxyConfig } from "./proxy.js";
import { syncConfig } from "./sync.js";
import { redisConfig } from "./redis.js";
import type { ParsedConfig } from "./schema/root.js";
import type { Report } from "@longshore/options/report";

export interface Machine {
  /** The number of cores that the process may use. */
  readonly cores: number;
  /** The memory limit of its control groups (bytes); undefined if there is none. */
  readonly memory?: number | undefined;
}

/** More processes would hardly serve more requests, and each takes memory. */
const MOST_WORKERS = 8;

/** The memory that a worker needs to serve many clients at once (bytes). */
const MEMORY_OF_WORKER = 256 * MIB;

/** The default number of serving processes. */
function defaultWorkers({ cores, memory = Number.POSITIVE_INFINITY }: Machine): number {
  return Math.max(1, Math.min(cores, MOST_WORKERS, Math.floor(memory / MEMORY_OF_WORKER)));
}

/** The storage driver chosen by the configuration. */
export interface ChosenStorage {
  /** Its name as written there. */
  readonly type: string;
  readonly driver: ChosenDriver;
}

/**
 * Fills in defaults that depend on other keys or on the machine, and checks the keys against each other. The result is only
 * valid if no error was reported.
 */
export function normalise(parsed: ParsedConfig, chosen: ChosenStorage, machine: Machine, report: Report) {
  const storage = storageConfig(parsed.storage, chosen, machine, report);
  const proxy = proxyConfig(parsed, report);
  return {
    version: "0.1" as const,
    log: {
      level: parsed.log.level ?? parsed.loglevel ?? "info",
      formatter: parsed.log.formatter,
      fields: parsed.log.fields ?? {},
      accesslog: parsed.log.accesslog,
      reportcaller: parsed.log.reportcaller,
      audit: auditConfig(parsed.log.audit),
    },
    storage,
    middleware: {
      storage: middlewareConfig(parsed.middleware.storage, { ...storage, kind: storage.driver.kind }, report),
    },
    ...accessConfig(parsed, report),
    http: httpConfig(parsed.http, chosen.driver, machine, report),
    console: parsed.console,
    health: healthConfig(parsed.health, report),
    proxy,
    sync: syncConfig(parsed.proxy.sync, proxy, report),
    redis: redisConfig(parsed, report),
    catalog: parsed.catalog,
    inventory: parsed.inventory,
    activity: parsed.activity,
    tags: parsed.tags,
    validation: validationConfig(parsed.validation, report),
    policy: policyConfig(parsed, report),
    notifications: notificationsConfig(parsed, chosen.driver, report),
  };
}

function storageConfig(
  parsed: ParsedConfig["storage"],
  { type, driver }: ChosenStorage,
  machine: Machine,
  report: Report,
) {
  const { cache, tag } = parsed;
  for (const { severity, path, message } of driver.remarks) report[severity](["storage", type, ...path], message);
  return {
    type,
    driver,
    delete: parsed.delete,
    redirect: parsed.redirect,
    cache: { ...cache, blobdescriptor: cache.blobdescriptor ?? cache.layerinfo },
    maintenance: parsed.maintenance,
    tag: { concurrencylimit: tag.concurrencylimit > 0 ? tag.concurrencylimit : machine.cores },
  };
}

function policyConfig({ policy, inventory }: Pick<ParsedConfig, "policy" | "inventory">, report: Report) {
  if (policy.quota.length > 0 && !inventory.enabled) {
    report.error(["policy", "quota"], "needs the inventory, which inventory.enabled turns off: it says what is used");
  }
  return policy;
}

function auditConfig({ target, pulls }: ParsedConfig["log"]["audit"]) {
  return target === undefined ? undefined : { target, pulls };
}

function httpConfig(parsed: ParsedConfig["http"], driver: ChosenDriver, machine: Machine, report: Report) {
  checkAddress(parsed.net, parsed.addr, report);
  if (parsed.workers !== undefined && parsed.workers > 1 && !driver.isShared) {
    const message = `found ${parsed.workers}; expected 1 with storage.${driver.kind}, because processes share no memory`;
    report.error(["http", "workers"], message);
  }
  if (parsed.clientaddress.header !== undefined && parsed.trustedproxies.length > 0) {
    const message = "not together with http.trustedproxies; keep the latter if you know your proxies' addresses";
    report.error(["http", "clientaddress", "header"], message);
  }
  return {
    ...parsed,
    host: hostOf(parsed, report),
    tls: tlsConfig(parsed.tls, report),
    debug: debugConfig(parsed.debug, report),
    workers: driver.isShared ? (parsed.workers ?? defaultWorkers(machine)) : 1,
    cors: corsConfig(parsed, report),
  };
}

function corsConfig({ cors, headers: lines }: ParsedConfig["http"], report: Report) {
  const { origins, credentials } = cors;
  checkCorsHeaders(lines, report);
  if (origins.length === 0) return undefined;
  if (credentials && origins.includes("*")) {
    const message =
      'not with origins: ["*"], since any page could then use the login of the person who opens it; name the origins';
    report.error(["http", "cors", "credentials"], message);
  }
  return cors;
}

function hostOf({ host }: ParsedConfig["http"], report: Report): string | undefined {
  if (host === undefined || host === "") return undefined;
  if (/^https?:/i.test(host)) return host;
  report.warning(["http", "host"], "ignored because it has no scheme; write it as https://<host>");
  return undefined;
}

function debugConfig(parsed: ParsedConfig["http"]["debug"], report: Report) {
  const addr = parsed.addr === "" ? undefined : parsed.addr;
  if (parsed.prometheus.enabled && addr === undefined) {
    report.warning(["http", "debug", "prometheus", "enabled"], "has no effect without http.debug.addr");
  }
  return { ...parsed, addr };
}

function checkAddress(net: "tcp" | "unix", addr: string, report: Report): void {
  const path = ["http", "addr"];
  if (net === "unix") {
    // On Linux, sun_path has 108 bytes including the terminating zero.
    if (!addr.startsWith(":") && Buffer.byteLength(addr) <= 107 && !addr.includes("\0")) return;
    report.error(path, `found ${quote(addr)}; expected a path of at most 107 bytes with net: unix`);
  } else if (parseAddress(addr) === undefined) {
    report.error(path, `found ${quote(addr)}; expected host:port, such as :5000 or 127.0.0.1:5000`);
  }
}

/** Undefined means plain HTTP. */
function tlsConfig(parsed: ParsedConfig["http"]["tls"], report: Report) {
  const { certificate, key, letsencrypt, ...rest } = parsed;
  const { minimumtls } = rest;
  if (certificate !== undefined && key === undefined) {
    report.error(["http", "tls", "key"], "missing; http.tls.certificate needs its key");
  }
  if (certificate === undefined && key !== undefined) {
    report.error(["http", "tls", "certificate"], "missing; http.tls.key needs its certificate");
  }
  const acme = letsEncryptConfig(letsencrypt, report);
  if (certificate !== undefined && acme !== undefined) {
    const message = "not together with http.tls.certificate, as in Distribution; remove one of them";
    report.error(["http", "tls", "letsencrypt", "cachefile"], message);
  }
  const source =
    acme !== undefined
      ? ({ kind: "letsencrypt", ...acme } as const)
      : certificate !== undefined && key !== undefined
        ? ({ kind: "files", certificate, key } as const)
        : undefined;
  if (source === undefined && parsed.clientcas.length > 0) {
    const message = "needs http.tls.certificate and http.tls.key: clients can't present a certificate over plain HTTP";
    report.error(["http", "tls", "clientcas"], message);
  }
  if (source === undefined) return undefined;
  if (minimumtls === "tls1.3" && parsed.ciphersuites.length > 0) {
    report.warning(["http", "tls", "ciphersuites"], "ignored with minimumtls: tls1.3, which has suites of its own");
  }
  const ciphersuites = minimumtls === "tls1.3" ? [] : parsed.ciphersuites;
  if (acme !== undefined && ciphersuites.length > 0 && !ciphersuites.some((name) => name.includes("_ECDSA_"))) {
    const message =
      "none of them is for ECDSA, as the certificates of letsencrypt are: clients without TLS 1.3 can't connect";
    report.warning(["http", "tls", "ciphersuites"], message);
  }
  return { ...rest, ciphersuites, source };
}

/** Two checks with the same name would hide each other in the response of `/debug/health`. */
/** Distribution's message (wire contract §11.1). */
const INCOMPLETE_INDEXES =
  "Image index completeness validation has been disabled, which is an experimental option because other container tooling might expect all image indexes to be complete";

function validationConfig(parsed: ParsedConfig["validation"], report: Report) {
  if (parsed.enabled && parsed.disabled) {
    report.warning(
      ["validation", "enabled"],
      "validation stays on, because the older key enabled takes precedence over disabled",
    );
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
        platforms: indexes.platforms,
        platformlist: indexes.platformlist.map(({ architecture = "", os = "" }) => ({ architecture, os })),
      },
    },
  };
}
