import { createAccessController } from "@longshore/auth";
import {
  applyMiddleware,
  canRedirect,
  createDriver,
  DriverParameterError,
  observeDriver,
  openRegistry,
  type StorageDriver,
} from "@longshore/storage";
import { openConfiguredCaches } from "./caches.js";
import type { Config } from "./config/config.js";
import { revealParameters } from "./config/parameters.js";
import { createApp, type App } from "./http/app.js";
import type { ApiOptions } from "./http/options.js";
import type { RedirectOptions } from "./http/redirects.js";
import type { AuthMetrics } from "./metrics/auth-metrics.js";
import type { StorageMetrics } from "./metrics/storage-metrics.js";
import type { EventSink } from "./notifications/contract.js";
import { eventSettings } from "./notifications/settings.js";
import type { Log } from "./observability/log.js";
import type { Tracing } from "./tracing/tracing.js";

/** What the parts are told beside the configuration. */
export interface Ports {
  /** `http.secret`, or the one that was made in its place. */
  readonly secret: string;
  readonly log: Log;
  /** Undefined: nobody measures. */
  readonly metrics: { readonly storage: StorageMetrics; readonly auth: AuthMetrics } | undefined;
  /** Undefined or absent: nobody traces. */
  readonly tracing?: Tracing | undefined;
  /** Where events go, and which registry they are from; undefined or absent: nobody wants to hear of them. */
  readonly events?: { readonly sink: EventSink; readonly instance: string } | undefined;
}

/** A registry that can answer requests; what it listens on is not its concern. */
export interface ComposedRegistry {
  readonly app: App;
  readonly driver: StorageDriver;
  /** Reads the files of access control again. Throws AuthError and keeps what it had where they are bad. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The map of the system: configuration → driver → registry → access controller → application. Throws what the parts throw
 * for settings that can't work.
 */
export async function composeRegistry(config: Config, ports: Ports): Promise<ComposedRegistry> {
  const { tracing } = ports;
  const controller = await createAccessController(config.auth.type, config.auth.parameters, {
    log: ports.log,
    clock: Date.now,
    secret: ports.secret,
    rules: config.access,
    mtls: config.auth.mtls,
  });
  const access = tracing?.access(controller) ?? controller;
  const untraced = await openMiddleware(await openDriver(config, ports.metrics?.storage), config, ports.log);
  const driver = tracing?.driver(untraced) ?? untraced;
  const caches = await openConfiguredCaches(config, driver, ports.log, ports.metrics?.storage.cache);
  const registry = openRegistry(driver, {
    validation: config.validation,
    classes: config.policy.repository.classes,
    maxManifestBytes: config.http.limits.manifestsize,
    manifestCacheBytes: config.storage.cache.manifestbytes,
    caches,
    onCacheLookup: ports.metrics?.storage.cache.lookup,
    tagConcurrency: config.storage.tag.concurrencylimit,
    uploadLimit: config.http.limits.uploads,
  });
  const { events, metrics } = ports;
  const app = createApp({
    registry,
    access,
    options: apiOptions(config, ports.secret, canRedirect(driver)),
    log: ports.log,
    onAccess: metrics === undefined ? undefined : (outcome) => metrics.auth.outcome(access.name, outcome),
    events: events === undefined ? undefined : eventSettings(config, events.sink, events.instance),
  });
  return {
    app,
    driver,
    async reload() {
      await access.reload?.();
    },
    async close() {
      await access.close();
      await caches.close();
      await driver.close();
    },
  };
}

/** The storage alone, for what works beside the API: health checks and upload purging. */
export async function openDriver(config: Config, metrics?: StorageMetrics): Promise<StorageDriver> {
  const { type, parameters } = config.storage;
  const driver = await createDriver(type, revealParameters(parameters));
  return metrics === undefined ? driver : observeDriver(driver, metrics.driver(driver.name));
}

/** `middleware.storage` around the driver, in the order of the file. Throws an Error that names the entry. */
async function openMiddleware(driver: StorageDriver, { middleware }: Config, log: Log): Promise<StorageDriver> {
  let outermost = driver;
  for (const { index, middleware: each } of middleware.storage) {
    try {
      outermost = await applyMiddleware(outermost, each, { warn: (message) => log.warn(message) });
    } catch (error) {
      await outermost.close();
      if (!(error instanceof DriverParameterError)) throw error;
      const place = `middleware.storage[${index}].options.${error.parameter ?? ""}`;
      throw new Error(`${place}: ${error.message}`, { cause: error });
    }
  }
  return outermost;
}

function redirectOptions({ disable, clients }: Config["storage"]["redirect"]): RedirectOptions {
  return { enabled: !disable, clients: clients.map((rule) => ({ networks: rule.networks, enabled: !rule.disable })) };
}

function apiOptions({ http, storage, catalog, tags }: Config, secret: string, redirects: boolean): ApiOptions {
  return {
    prefix: http.prefix,
    host: http.host,
    relativeUrls: http.relativeurls,
    headers: http.headers,
    secret,
    cors: http.cors === undefined ? undefined : { ...http.cors, maxAge: Math.round(http.cors.maxage / 1000) },
    trustedProxies: http.trustedproxies,
    catalogFilter: catalog.filter,
    deleteEnabled: storage.delete.enabled,
    readOnly: storage.maintenance.readonly.enabled,
    redirect: redirects && redirectOptions(storage.redirect),
    catalogMaxEntries: catalog.maxentries,
    tagsMaxTags: tags.maxtags,
    manifestMaxBytes: http.limits.manifestsize,
    // The filesystem takes chunks of any size at the same cost.
    chunkMinLength: undefined,
    bodyIdleTimeout: http.limits.bodyidletimeout,
    sendTimeout: http.limits.bodyidletimeout,
  };
}
