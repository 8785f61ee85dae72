import { withTimeout } from "@longshore/base/timeout";
import type { Server } from "node:net";
import type { Config, HttpConfig } from "../../config/config.js";
import type { ActivitySink } from "../../activity/feed.js";
import type { Audit } from "../../audit/audit.js";
import type { App } from "../../http/app.js";
import type { ClientAddresses } from "../../http/client/client-address.js";
import type { Metrics } from "../../metrics/metrics.js";
import { createAccessLines } from "../../observability/access-line.js";
import { createCompletionLines, isForPeople } from "../../observability/completion-line.js";
import { createTimestamps } from "../../observability/clock.js";
import type { Log, LogFields } from "../../observability/log.js";
import type { LineSink } from "../../observability/sink.js";
import type { Tracing } from "../../tracing/tracing.js";
import type { ListenAddress } from "./listen-address.js";
import { bind } from "./bind.js";
import type { ConnectionTable } from "../connections/connection-table.js";
import { createRequestListener } from "../connections/request-listener.js";
import { createAcceptor } from "./acceptor.js";
import type { FindChallenge } from "./challenge-handshakes.js";
import type { HostCertificate } from "./host-contexts.js";
import { createHealthGate } from "../connections/health-gate.js";
import { createHttp1Protocol, createHttp2Protocol } from "./protocols.js";
import { openSecure } from "./secure.js";

/** What the listener needs from its process. */
export interface ListenerContext {
  readonly app: App;
  readonly clients: ClientAddresses;
  readonly isHealthy: () => boolean;
  readonly connections: ConnectionTable;
  readonly metrics: Metrics | undefined;
  /** Undefined disables the audit log. */
  readonly audit: Audit | undefined;
  /** Undefined: nobody may watch what happens. */
  readonly activity: ActivitySink | undefined;
  /** Undefined disables tracing. */
  readonly tracing: Tracing | undefined;
  /** How authorities are answered who ask for proof of a host; undefined: none does. */
  readonly findChallenge: FindChallenge | undefined;
  readonly log: Log;
  /** Fields of every application log line. */
  readonly fields: LogFields;
  readonly sinks: { readonly access: LineSink; readonly application: LineSink };
}

/** The API's server. */
export interface ApiListener {
  /** Starts listening; resolves with the address as the start-up line shows it. Throws AddressError. */
  listen(address: ListenAddress): Promise<string>;
  /** Reloads the TLS certificate; if it can't be used, the one in use stays, and the log says so. */
  reload(): Promise<void>;
  /** Uses these for new handshakes, if certificates come from an authority. Throws, and keeps those in use, if they can't be used. */
  useCertificates(certificates: readonly HostCertificate[]): void;
  /**
   * Refuses new connections, lets exchanges in progress finish for at most `grace` ms, and then closes the rest. Resolves
   * with the number of connections that were closed.
   */
  stop(grace: number): Promise<number>;
  /** Closes the remaining connections at once. */
  close(): void;
}

/** Opens the API's server; it doesn't listen yet. Throws TlsError. */
export async function openListener(config: Config, context: ListenerContext): Promise<ApiListener> {
  const { connections } = context;
  const listener = createRequestListener({
    connections,
    app: context.app,
    gate: createHealthGate(config.health.gate, {
      isHealthy: context.isHealthy,
      isDraining: () => connections.draining,
    }),
    metrics: context.metrics?.http,
    audit: context.audit,
    activity: context.activity,
    tracing: context.tracing,
    access: accessWriter(config, context.sinks.access),
    completion: completionWriter(config, context),
    clients: context.clients,
  });
  const acceptor = await createApiAcceptor(config.http, listener, context);
  return {
    listen(address) {
      connections.start();
      return bind(acceptor.server, address);
    },
    reload: () => acceptor.reload(),
    useCertificates: (certificates) => acceptor.useCertificates(certificates),
    async stop(grace) {
      acceptor.server.close();
      await withTimeout(connections.drain(), grace, () => undefined);
      const cut = connections.size;
      connections.destroy();
      return cut;
    },
    close() {
      acceptor.server.close();
      connections.destroy();
      acceptor.close();
    },
  };
}

interface ApiAcceptor {
  readonly server: Server;
  readonly reload: () => Promise<void>;
  readonly useCertificates: ApiListener["useCertificates"];
  readonly close: () => void;
}

async function createApiAcceptor(
  http: HttpConfig,
  listener: ReturnType<typeof createRequestListener>,
  context: ListenerContext,
): Promise<ApiAcceptor> {
  const { connections, log } = context;
  const limits = {
    headerSize: http.limits.headersize,
    headerTimeout: http.limits.headertimeout,
    idleTimeout: http.limits.idletimeout,
  };
  const http1 = createHttp1Protocol(limits, listener);
  const wantsHttp2 = http.tls === undefined ? http.h2c.enabled : !http.http2.disabled;
  const http2 = wantsHttp2 ? createHttp2Protocol(limits, listener) : undefined;
  const names = http2 === undefined ? ["http/1.1"] : ["h2", "http/1.1"];
  const secure = http.tls === undefined ? undefined : await openSecure(http.tls, names, context.findChallenge);
  const { server, setTls } = createAcceptor({
    connections,
    http1,
    http2,
    tls: secure?.options,
    h2c: http.h2c.enabled,
    handshakeTimeout: http.limits.headertimeout,
  });
  const follow = secure?.follow(setTls, log);
  return {
    server,
    reload: () => follow?.reload() ?? Promise.resolve(),
    useCertificates: (certificates) => secure?.useCertificates(certificates, setTls),
    close() {
      follow?.stop();
      http1.close();
    },
  };
}

function accessWriter(config: Config, sink: LineSink): Parameters<typeof createRequestListener>[0]["access"] {
  if (config.log.accesslog.disabled) return undefined;
  const line = createAccessLines();
  return (entry, now) => sink.write(line(entry, now));
}

/** A log of errors only contains completion lines for internal failures alone. */
function completionWriter(
  config: Config,
  context: ListenerContext,
): Parameters<typeof createRequestListener>[0]["completion"] {
  const line = createCompletionLines(config.log.formatter, context.fields);
  const time = createTimestamps();
  const showsAll = config.log.level === "info" || config.log.level === "debug";
  return (entry, now) => {
    if (showsAll || (entry.record.error !== undefined && isForPeople(entry.status)))
      context.sinks.application.write(line(entry, time(now)));
  };
}
