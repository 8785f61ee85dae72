import {
  createRouting,
  createUpstream,
  createUsageLog,
  mirrorRegistry,
  openStateFile,
  type MirroredUpstream,
  type MirrorObserver,
  type MirrorRegistry,
  type StateFile,
  type UpstreamObserver,
  type UsageLog,
} from "@longshore/mirror";
import type { UpstreamOptions } from "@longshore/mirror/configuration";
import type { Registry, StorageDriver } from "@longshore/storage";
import type { ProxyConfig } from "../config/config.js";
import type { NameFor } from "../http/exchange.js";
import type { MirrorMetrics } from "../metrics/mirror-metrics.js";
import { errorFields, type Log } from "../observability/log.js";
import { redactText } from "@longshore/base/redact";
import type { UpstreamStatuses } from "./upstream-states.js";

/** What mirroring needs besides its configuration. */
export interface MirrorPorts {
  readonly registry: Registry;
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly metrics: MirrorMetrics | undefined;
}

/** A registry with mirrored repositories, and what they are called here. */
export interface Mirror {
  readonly registry: MirrorRegistry;
  readonly nameFor: NameFor;
  /** How the upstreams do, as far as this process saw. Asks none of them. */
  upstreams(): UpstreamStatuses;
  close(): Promise<void>;
}

/** Decorates the registry as `proxy` says. No upstream is asked for anything yet. */
export async function openMirror(config: ProxyConfig, ports: MirrorPorts): Promise<Mirror> {
  const { registry, driver, log, metrics } = ports;
  const upstreams = config.upstreams.map((upstream) => mirroredUpstream(upstream, config.isSingle, metrics));
  for (const { options } of config.upstreams) {
    log.info(`Registry configured as a proxy cache to ${redactText(options.remoteurl)}`);
  }
  const routing = createRouting(upstreams, config.ownhosts);
  const mirrored = await mirrorRegistry(registry, {
    routing,
    driver,
    observer: observerOf(log, metrics),
    usage: openUsage(config, ports),
    refusalAge: config.refusals,
    linger: config.cachewritetimeout,
    patience: config.replicawait,
    directory: config.directory,
  });
  return {
    registry: mirrored,
    nameFor: (name, namespace) => routing.nameFor(name, namespace),
    upstreams: () => new Map(upstreams.map(({ label, client }) => [label, client.status()])),
    close: () => mirrored.close(),
  };
}

/** Between two writes of the state file, as in Distribution (ms). */
const STATE_INTERVAL = 5000;

/** How much later a use must be to be written (ms): a part of the time that content is kept. */
const USE_GRAIN = 10 * 60_000;

function openUsage({ ttl }: ProxyConfig, { driver, log }: MirrorPorts): UsageLog {
  return createUsageLog(openState(driver, ttl, log), {
    now: Date.now,
    interval: STATE_INTERVAL,
    grain: ttl === 0 ? USE_GRAIN : Math.min(USE_GRAIN, ttl / 10),
    onFailure: (error) => log.error("the list of cached content couldn't be written", errorFields(error)),
  });
}

/** Distribution's file of what is cached. */
export function openState(driver: StorageDriver, ttl: number, log: Log): StateFile {
  return openStateFile(driver, ttl, (error) => {
    const message =
      "scheduler-state.json can't be read and was moved to scheduler-state.corrupt.json; content is kept anew";
    log.error(message, errorFields(error));
  });
}

function mirroredUpstream(
  upstream: ProxyConfig["upstreams"][number],
  isSingle: boolean,
  metrics: MirrorMetrics | undefined,
): MirroredUpstream {
  const { options, missingtags, taglists, maxblobbytes, ...rest } = upstream;
  const observer: UpstreamObserver = {
    paused: (_host, reason) => metrics?.paused(rest.label, reason),
    retried: () => metrics?.retried(rest.label),
  };
  return {
    ...rest,
    client: createUpstream(unfrozen(options), { environment: process.env, observer }),
    missing: missingtags,
    tags: taglists,
    maxBlobBytes: maxblobbytes,
    // As Distribution in proxy mode, which takes nothing from clients.
    deletable: !isSingle,
  };
}

/** The options as they are declared, where lists aren't read-only. */
export function unfrozen(
  options: Pick<ProxyConfig["upstreams"][number]["options"], keyof UpstreamOptions>,
): UpstreamOptions {
  const { realms, redirects, tls } = options;
  return {
    ...options,
    realms: [...realms],
    redirects: { networks: [...redirects.networks] },
    tls: { ...tls, ca: [...tls.ca] },
  };
}

function observerOf(log: Log, metrics: MirrorMetrics | undefined): MirrorObserver {
  return {
    asked: metrics?.asked,
    pulled: metrics?.pulled,
    pushed: metrics?.pushed,
    joined: metrics?.joined,
    evicted: metrics?.evicted,
    stale(upstream, error) {
      metrics?.stale(upstream);
      log.warn("the upstream failed; served from the cache", { upstream, ...errorFields(error) });
    },
    unlisted(upstream, error) {
      const message = "the upstream's repositories couldn't be listed; the catalog has those that are cached";
      log.warn(message, { upstream, ...errorFields(error) });
    },
    notStored(upstream, kind, error) {
      metrics?.notStored(upstream, kind);
      log.error("content was served but couldn't be stored", { upstream, kind, ...errorFields(error) });
    },
    downloaded(upstream, isStored, error) {
      metrics?.downloaded(upstream, isStored ? "stored" : error === undefined ? "notstored" : "failed");
      if (error !== undefined) log.error("a download failed", { upstream, ...errorFields(error) });
    },
  };
}
