import { SECOND } from "@longshore/base/duration";
import { watchFiles, type FileWatch } from "@longshore/base/watched-file";
import { createAuthorizer } from "./auth/authorizer.js";
import { fixedCredentials, type CredentialSource } from "./auth/credentials.js";
import { helperCredentials } from "./auth/helper.js";
import { createTokens } from "./auth/tokens.js";
import { createBlobApi } from "./blobs.js";
import type { Upstream, UpstreamObserver } from "./contract.js";
import { isUpstreamError } from "./errors.js";
import { createExchange, type Exchange } from "./exchange.js";
import { createGate, type Gate } from "./flow/gate.js";
import { apiHostOf } from "./hosts.js";
import { createListApi } from "./lists.js";
import { createManifestApi } from "./manifests.js";
import { createDispatchers, type DispatcherOptions, type Dispatchers } from "./net/dispatchers.js";
import type { ProxyEnvironment } from "./net/proxy.js";
import { readTlsMaterial } from "./net/tls.js";
import { createWire, type Wire } from "./net/wire.js";
import type { UpstreamOptions } from "./options.js";
import { createReferrerApi } from "./referrers.js";

/** What an upstream needs besides its options. */
export interface UpstreamPorts {
  /** Where HTTP_PROXY and its like are read. */
  readonly environment: ProxyEnvironment;
  /** ms since 1970 */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly observer?: UpstreamObserver | undefined;
  /** In place of the system's resolver. */
  readonly lookup?: DispatcherOptions["lookup"];
  /** In place of what the options say. */
  readonly credentials?: CredentialSource | undefined;
}

/** What talks to one upstream: shared by reading from it and by writing to it. */
interface UpstreamParts {
  readonly host: string;
  readonly url: URL;
  readonly exchange: Exchange;
  readonly gate: Gate;
  readonly wire: Wire;
}

/** How often the files of the TLS settings are looked at (ms). */
const FILE_CHECK = 30 * SECOND;

/** The upstream that `options` describe; `remoteurl` has to be there. Connects to nothing before the first call. */
export function createUpstream(options: UpstreamOptions, ports: UpstreamPorts): Upstream {
  const parts = createUpstreamParts(options, ports);
  return assembleUpstream(parts, options, ports.observer);
}

/** The reading side over `parts`. */
function assembleUpstream(
  { host, exchange, gate, wire }: UpstreamParts,
  { timeout, idletimeout, retries }: UpstreamOptions,
  observer?: UpstreamObserver,
): Upstream {
  const api = { host, exchange, timeout };
  const manifests = createManifestApi(api);
  const blobs = createBlobApi({
    host,
    exchange,
    idleTimeout: idletimeout,
    retries,
    observer,
    onBroken: (reason) => gate.spoiled(reason),
  });
  const lists = createListApi(api);
  const referrers = createReferrerApi(api, manifests);
  /** `call`, which notes what can't be used although the answer was a good one. */
  const noting =
    <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      try {
        return await call(...args);
      } catch (error) {
        if (isUpstreamError(error) && error.fault.code === "INVALID_ANSWER") gate.spoiled(error.fault.reason);
        throw error;
      }
    };
  return {
    host,
    resolveManifest: noting(manifests.resolve),
    fetchManifest: noting(manifests.fetch),
    openBlob: noting(blobs.open),
    blobSize: noting(blobs.size),
    tags: noting(lists.tags),
    repositories: noting(lists.repositories),
    referrers: noting(referrers),
    async ping({ signal } = {}) {
      const answer = await exchange.send({
        kind: "ping",
        method: "GET",
        path: "/v2/",
        anonymous: true,
        expect: [200, 401, 403],
        signal,
      });
      await answer.drop();
    },
    status: () => gate.status(),
    blame: (reason) => gate.spoiled(reason),
    close: () => wire.close(),
  };
}

/** What {@link createUpstream} is made of, for what else talks to a registry. */
export function createUpstreamParts(options: UpstreamOptions, ports: UpstreamPorts): UpstreamParts {
  const { now = Date.now, random = Math.random, observer } = ports;
  const url = upstreamUrl(options.remoteurl ?? "");
  const { host } = url;
  const wire = openWire(url, options, ports);
  const credentials = ports.credentials ?? credentialsOf(options, now);
  const tokens = createTokens({ host, wire, timeout: options.timeout, now });
  const authorizer = createAuthorizer({
    host,
    boundary: { upstream: url, realms: options.realms },
    credentials,
    tokens,
  });
  const gate = createGate({ host, now, observer });
  const { timeout, retries } = options;
  const exchange = createExchange({ host, url, wire, authorizer, gate, timeout, retries, now, random, observer });
  return { host, url, exchange, gate, wire };
}

/** Docker Hub's API under whichever of its names it is configured. */
function upstreamUrl(text: string): URL {
  const url = new URL(text);
  url.host = apiHostOf(url.host);
  return url;
}

function credentialsOf({ exec, username, password }: UpstreamOptions, now: () => number): CredentialSource {
  if (exec?.command !== undefined) return helperCredentials({ command: exec.command, lifetime: exec.lifetime, now });
  if (username === undefined || password === undefined) return fixedCredentials(undefined);
  return fixedCredentials({ kind: "password", user: username, password });
}

/** A wire whose TLS files are read at its first request, and again after they changed. */
function openWire(url: URL, options: UpstreamOptions, { environment, lookup, now = Date.now }: UpstreamPorts): Wire {
  const { ca, certificate, key, insecure } = options.tls;
  const files = [...ca, certificate, key].filter((path) => path !== undefined);
  let opening: Promise<Dispatchers> | undefined;
  let watch: FileWatch | undefined;
  let checkedAt = 0;

  const make = async (): Promise<Dispatchers> => {
    watch = files.length === 0 ? undefined : await watchFiles(files);
    checkedAt = now();
    const material = await readTlsMaterial({ ca, certificate, key, insecure });
    return createDispatchers({
      upstream: url,
      connections: options.connections,
      connectTimeout: options.connecttimeout,
      tls: { ...material, insecure },
      networks: options.redirects.networks,
      environment,
      lookup,
    });
  };

  const renew = async (): Promise<void> => {
    if (watch === undefined || now() - checkedAt < FILE_CHECK) return;
    checkedAt = now();
    if (!(await watch.changed())) return;
    const before = opening;
    opening = undefined;
    // Requests under way keep their connections.
    void before?.then((dispatchers) => dispatchers.close()).catch(() => undefined);
  };

  const open = async (): Promise<Dispatchers> => {
    await renew();
    const mine = (opening ??= make());
    try {
      return await mine;
    } catch (error) {
      if (opening === mine) opening = undefined;
      throw error;
    }
  };

  return createWire(url.host, open, async () => {
    await opening?.then((dispatchers) => dispatchers.destroy());
  });
}
