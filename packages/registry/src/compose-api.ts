import { MINUTE } from "@longshore/base/duration";
import { Resources } from "@longshore/base/resources";
import type { AccessController, LoginRegistrar } from "@longshore/auth";
import type { Inventory } from "@longshore/inventory";
import type { LimitCounter } from "@longshore/policy";
import {
  canRedirect,
  openRecords,
  openRegistry,
  type CacheObserver,
  type Caches,
  type Registry,
  type StorageDriver,
} from "@longshore/storage";
import type { Activity } from "./activity/feed.js";
import type { Config } from "./config/config.js";
import { loadSource, type ConfigurationSource } from "./config/source.js";
import type { AppDependencies } from "./http/shared-state.js";
import type { RetentionPlan } from "./http/retention-plan.js";
import { sharePlans } from "./retention/share-plans.js";
import type { OpenConsole } from "./console/open-console.js";
import { createApp, type App } from "./http/app.js";
import { createClientAddresses, type ClientAddresses } from "./http/client/client-address.js";
import type { MaintenanceRequests } from "./maintenance/desk.js";
import { openRuns } from "./maintenance/runs.js";
import { openLimits } from "./limits/open-limits.js";
import type { AuthMetrics } from "./metrics/auth-metrics.js";
import type { LimitMetrics } from "./metrics/limit-metrics.js";
import type { MirrorMetrics } from "./metrics/mirror-metrics.js";
import type { StorageMetrics } from "./metrics/storage-metrics.js";
import type { UpstreamStatuses } from "./mirroring/upstream-states.js";
import type { EventSink } from "./notifications/contract.js";
import { eventSettings } from "./notifications/settings.js";
import type { Log } from "./observability/log.js";
import {
  denyRecording,
  immutableTagsOf,
  keepInventory,
  limitQuotas,
  openConfiguredCaches,
  openDriverWithMiddleware,
  warnOfRaces,
  type KeptInventory,
} from "./open-storage.js";
import type { CacheTally } from "./server/processes/report.js";
import type { StatusSource } from "./status/status.js";
import type { Tracing } from "./tracing/tracing.js";

/** What the API needs besides the configuration. */
export interface ApiPorts {
  /** `http.secret`, or the one generated in its place. */
  readonly secret: string;
  readonly log: Log;
  /** Where each value of the configuration comes from; undefined: the API has no answer about it. */
  readonly source?: ConfigurationSource | undefined;
  /** The registry's version, for its page. */
  readonly version?: string | undefined;
  /** False if another process of this registry reports mistakes in the files that all of them read. */
  readonly remarksOnFiles?: boolean | undefined;
  /** Counts failed logins for all processes; undefined if this is the only one. */
  readonly logins?: LoginRegistrar | undefined;
  /** Undefined disables metrics. */
  readonly metrics:
    | {
        readonly storage: StorageMetrics;
        readonly auth: AuthMetrics;
        readonly mirror: MirrorMetrics;
        readonly limits: LimitMetrics;
      }
    | undefined;
  /** Runs maintenance jobs that clients ask for; undefined if there are none. */
  readonly maintenance?: MaintenanceRequests | undefined;
  /** What happens in all processes; undefined: nobody may watch. */
  readonly activity?: Activity | undefined;
  /** How the registry does; undefined where nobody knows. */
  readonly status?: StatusSource | undefined;
  /** Counts what clients do for all processes; undefined if this is the only one. */
  readonly limits?: LimitCounter | undefined;
  /** Undefined disables tracing. */
  readonly tracing?: Tracing | undefined;
  /** The sink and source of events; undefined disables notifications. */
  readonly events?: { readonly sink: EventSink; readonly instance: string } | undefined;
}

/** Serves requests; what it listens on is not its concern. */
export interface ComposedApi {
  readonly app: App;
  readonly clients: ClientAddresses;
  readonly driver: StorageDriver;
  /** What its caches were asked. */
  readonly cache: CacheTally;
  /** How the upstreams of the pull-through cache do, as far as this process saw. */
  upstreams(): UpstreamStatuses;
  /** Reloads the files of access control. If they are invalid, throws AuthError and keeps the previous contents. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Composes what answers requests: driver → caches → registry, mirrored or not → access controller → application. Throws what the parts
 * throw for settings that can't work.
 */
export async function composeApi(config: Config, ports: ApiPorts): Promise<ComposedApi> {
  const { log, metrics, tracing, events } = ports;
  await using opened = new Resources();
  const untraced = opened.add(await openDriverWithMiddleware(config, log, metrics?.storage));
  const driver = tracing?.driver(untraced) ?? untraced;
  const cache: CacheTally = { requests: 0, hits: 0, isAvailable: undefined };
  const caches = opened.add(await openConfiguredCaches(config, driver, log, counted(metrics?.storage.cache, cache)));
  const stored = openRepositories(config, driver, caches, metrics?.storage);
  const { registry: known, inventory, activity, layerLists } = await openServed(config, stored, driver, log, opened);
  const registry = await limitQuotas(config, known, inventory, driver, log);
  void warnOfRaces(config, driver, log, ports.remarksOnFiles);
  const mirror = opened.add(
    config.proxy &&
      (await (
        await import("./mirroring/open-mirror.js")
      ).openMirror(config.proxy, { registry, driver, log, metrics: metrics?.mirror })),
  );
  const untracedAccess = opened.add(await openAccess(config, ports, driver));
  const plainAccess = tracing?.access(untracedAccess) ?? untracedAccess;
  const page = await openPage(config, ports, driver, plainAccess);
  const access = page?.access ?? plainAccess;
  const limits = opened.add(await openLimits(config, ports));
  const clients = createClientAddresses(config.http.trustedproxies, log, config.http.clientaddress);
  const app = createApp({
    registry: mirror?.registry ?? registry,
    nameFor: mirror?.nameFor,
    access,
    config,
    secret: ports.secret,
    clients,
    canRedirect: canRedirect(driver),
    console: page?.console,
    inventory,
    layerLists,
    activity,
    feed: ports.activity,
    immutable: immutableTagsOf(config),
    retention: inventory && planOf(config, registry, inventory),
    maintenance: ports.maintenance && { runs: openRuns(openRecords(driver)), requests: ports.maintenance },
    log,
    settings: settingsOf(ports.source),
    status: ports.status,
    limits: limits.limits,
    onLimited: limits.onRefusal,
    onAccess: metrics === undefined ? undefined : (outcome) => metrics.auth.outcome(access.name, outcome),
    events: events === undefined ? undefined : eventSettings(config, events.sink, events.instance),
  });
  const resources = opened.move();
  return {
    app,
    clients,
    driver,
    cache,
    upstreams: () => mirror?.upstreams() ?? new Map<string, never>(),
    async reload() {
      await access.reload?.();
    },
    close: () => resources.close(),
  };
}

/** Counts what caches are asked in `tally`, too. */
function counted(metrics: StorageMetrics["cache"] | undefined, tally: CacheTally): CacheObserver {
  return {
    ...metrics,
    lookup(isHit) {
      tally.requests += 1;
      if (isHit) tally.hits += 1;
      metrics?.lookup?.(isHit);
    },
    state: (isAvailable) => void (tally.isAvailable = isAvailable),
  };
}

function planOf(config: Config, registry: Registry, inventory: Inventory): RetentionPlan {
  return sharePlans(async (name, signal) => {
    const { planRetention } = await import("./retention/run-retention.js");
    return planRetention(name, config, { registry, inventory, signal });
  });
}

/** Only the registry, where no inventory is kept. */
type ServedInventory = Pick<KeptInventory, "registry"> &
  Partial<Pick<KeptInventory, "inventory" | "activity" | "layerLists">>;

async function openServed(
  config: Config,
  stored: Registry,
  driver: StorageDriver,
  log: Log,
  opened: Resources,
): Promise<ServedInventory> {
  if (config.inventory.enabled) return opened.add(await keepInventory(config, stored, driver, log, { serves: true }));
  opened.add(await denyRecording(config, driver, log));
  return { registry: stored };
}

/** How long a blob that a client asked for isn't marked again (ms): well within the grace period, and not on every pull. */
const LONGEST_LEASE = 15 * MINUTE;

function openRepositories(
  config: Config,
  driver: StorageDriver,
  caches: Caches,
  metrics: StorageMetrics | undefined,
): Registry {
  const { http, storage, policy, validation } = config;
  return openRegistry(driver, {
    validation,
    classes: policy.repository.classes,
    immutable: immutableTagsOf(config),
    maxManifestBytes: http.limits.manifestsize,
    manifestCacheBytes: storage.cache.manifestbytes,
    caches,
    onCacheLookup: metrics?.cache.lookup,
    tagConcurrency: storage.tag.concurrencylimit,
    uploadLimit: http.limits.uploads,
    leases: { freshFor: Math.min(LONGEST_LEASE, storage.maintenance.gc.graceperiod / 4) },
  });
}

/** The page for people, and `access` for its sessions; undefined if there is none. */
async function openPage(
  config: Config,
  { log, secret, version = "" }: ApiPorts,
  driver: StorageDriver,
  access: AccessController,
): Promise<OpenConsole | undefined> {
  if (!config.console.enabled) return undefined;
  const { openConsole } = await import("./console/open-console.js");
  return openConsole({ config, access, records: openRecords(driver), secret, version, clock: Date.now, log });
}

/** Reads the configuration again: what it was read to keeps no places of keys. */
function settingsOf(source: ConfigurationSource | undefined): AppDependencies["settings"] {
  if (source === undefined || source.dockerAuth !== undefined) return undefined;
  return async () => {
    const loaded = await loadSource(source, process.env);
    return loaded.config === undefined ? undefined : loaded.settings();
  };
}

const QUIET = { error: () => undefined, warn: () => undefined, info: () => undefined };

function openAccess(
  config: Config,
  { log, logins, remarksOnFiles, secret }: ApiPorts,
  driver: StorageDriver,
): Promise<AccessController> {
  return config.auth.open({
    log,
    fileLog: remarksOnFiles === false ? QUIET : log,
    logins,
    clock: Date.now,
    secret,
    rules: config.access,
    ownTokens: async (options) => (await import("@longshore/token-server")).createOwnTokens(options),
    records: openRecords(driver),
  });
}
