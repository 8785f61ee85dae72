import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import { Agent, ProxyAgent, type buildConnector, type Dispatcher } from "undici";
import { createNetworks } from "@longshore/base/network";
import { classOf, type AddressClass } from "./address-class.js";
import { createAddressGuard, createOwnLookup } from "./guard.js";
import { proxyFor, type ProxyEnvironment } from "./proxy.js";
import type { TlsMaterial } from "./tls.js";

/** What connections of one upstream look like. */
export interface DispatcherOptions {
  readonly upstream: URL;
  /** To one host at the same time. */
  readonly connections: number;
  /** ms */
  readonly connectTimeout: number;
  readonly tls: TlsMaterial & { readonly insecure: boolean };
  /** Networks that the upstream may lead to. */
  readonly networks: readonly string[];
  readonly environment: ProxyEnvironment;
  readonly lookup?: typeof systemLookup | undefined;
}

/** Connections by where they lead: to the upstream's own host as it is configured, to any other host under guard. */
export interface Dispatchers {
  /** Throws ForbiddenAddressError. */
  for(url: URL): Dispatcher;
  /** Closes what is idle now, and the rest when it is. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** Makes connections when they are needed, and none before. */
export function createDispatchers(options: DispatcherOptions): Dispatchers {
  const { upstream, tls, connections, connectTimeout, environment, lookup = systemLookup } = options;
  const ownClasses = new Set<AddressClass>();
  const ownHost = upstream.hostname.replace(/^\[|\]$/g, "");
  if (isIP(ownHost) !== 0) ownClasses.add(classOf(ownHost));
  const allowed = createNetworks(options.networks);
  const guard = createAddressGuard({ ownClasses: () => ownClasses, allowed, lookup });
  const authorities = tls.ca === undefined ? {} : { ca: tls.ca };
  // Our certificate and what is forgiven are for the host that the configuration names.
  const own: buildConnector.BuildOptions = {
    timeout: connectTimeout,
    ...authorities,
    ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
    rejectUnauthorized: !tls.insecure,
  };
  const other: buildConnector.BuildOptions = { timeout: connectTimeout, ...authorities };
  const lookups = { own: createOwnLookup({ classes: ownClasses, allowed, lookup }), other: guard.lookup };
  const made = new Map<string, Dispatcher>();

  const make = (isOwn: boolean, proxy: URL | undefined): Dispatcher => {
    const common = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, maxOrigins: MAX_ORIGINS };
    const connect = isOwn ? own : other;
    if (proxy === undefined) {
      return new Agent({ ...common, connect: { ...connect, lookup: isOwn ? lookups.own : lookups.other } });
    }
    // The proxy resolves names; what it may connect to is its administrator's to say.
    return new ProxyAgent({
      ...common,
      uri: proxy.href,
      proxyTunnel: false,
      requestTls: connect,
      proxyTls: authorities,
    });
  };

  return {
    for(url) {
      const isOwn = url.hostname === upstream.hostname;
      if (!isOwn) guard.checkHost(url.hostname);
      const proxy = proxyFor(url, environment);
      const key = `${String(isOwn)} ${proxy?.href ?? ""}`;
      const dispatcher = made.get(key) ?? make(isOwn, proxy);
      made.set(key, dispatcher);
      return dispatcher;
    },
    async close() {
      await Promise.all([...made.values()].map((each) => each.close()));
    },
    async destroy() {
      await Promise.all([...made.values()].map((each) => each.destroy()));
    },
  };
}

/** Hosts that one upstream may have led to at the same time; the connections to idle ones are closed anyway. */
const MAX_ORIGINS = 256;
