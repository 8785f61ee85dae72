import type { Server } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Config, HttpConfig } from "../config/config.js";
import type { Audit } from "../audit/audit.js";
import type { App } from "../http/app.js";
import type { Metrics } from "../metrics/metrics.js";
import { createAccessLines } from "../observability/access-line.js";
import { createCompletionLines } from "../observability/completion-line.js";
import { createTimestamps } from "../observability/clock.js";
import type { Log, LogFields } from "../observability/log.js";
import type { LineSink } from "../observability/sink.js";
import type { Tracing } from "../tracing/tracing.js";
import type { ListenAddress } from "./address.js";
import { bind } from "./bind.js";
import type { ConnectionTable } from "./connections.js";
import { createExchangeListener } from "./exchange.js";
import { createFront } from "./front.js";
import { createHealthGate } from "./health-gate.js";
import { createHttp1Protocol, createHttp2Protocol } from "./protocols.js";
import { followTls, watchTls } from "./tls-reload.js";
import { clientAuthMode, loadTlsOptions } from "./tls-options.js";

/** What a serving process is given. */
export interface ServingContext {
  readonly app: App;
  readonly isHealthy: () => boolean;
  readonly connections: ConnectionTable;
  readonly address: ListenAddress;
  readonly metrics: Metrics | undefined;
  /** Undefined: nobody keeps one. */
  readonly audit: Audit | undefined;
  /** Undefined: nobody traces. */
  readonly tracing: Tracing | undefined;
  readonly log: Log;
  /** On every application log line. */
  readonly fields: LogFields;
  readonly sinks: { readonly access: LineSink; readonly application: LineSink };
}

/** The API's server while it runs. */
export interface Serving {
  /** Where it listens, as the start-up line shows it. */
  readonly address: string;
  /** Reads the TLS certificate again; where it can't be used, the one in use stays, and the log says so. */
  reload(): Promise<void>;
  /**
   * Refuses new connections, lets the exchanges under way finish for at most `grace` ms, and cuts what is left then.
   * Resolves with the number of connections that were cut.
   */
  stop(grace: number): Promise<number>;
}

/** Starts the API's server. Throws AddressError or TlsError. */
export async function startServing(config: Config, context: ServingContext): Promise<Serving> {
  const { connections } = context;
  const listener = createExchangeListener({
    connections,
    app: context.app,
    gate: createHealthGate(config.health.gate, {
      isHealthy: context.isHealthy,
      isDraining: () => connections.draining,
    }),
    log: context.log,
    metrics: context.metrics?.http,
    audit: context.audit,
    tracing: context.tracing,
    access: accessWriter(config, context.sinks.access),
    completion: completionWriter(config, context),
  });
  const front = await createApiFront(config.http, connections, listener, context.log);
  connections.start();
  const address = await bind(front.server, context.address);
  return {
    address,
    reload: () => front.reload(),
    async stop(grace) {
      front.server.close();
      const cut = await drain(connections, grace);
      front.close();
      return cut;
    },
  };
}

async function createApiFront(
  http: HttpConfig,
  connections: ConnectionTable,
  listener: ReturnType<typeof createExchangeListener>,
  log: Log,
): Promise<{ server: Server; reload: () => Promise<void>; close: () => void }> {
  const limits = {
    headerSize: http.limits.headersize,
    headerTimeout: http.limits.headertimeout,
    idleTimeout: http.limits.idletimeout,
  };
  const http1 = createHttp1Protocol(limits, listener);
  const wantsHttp2 = http.tls === undefined ? http.h2c.enabled : !http.http2.disabled;
  const http2 = wantsHttp2 ? createHttp2Protocol(limits, listener) : undefined;
  const tls = http.tls;
  const mode = tls === undefined ? undefined : clientAuthMode(tls);
  const names = http2 === undefined ? ["http/1.1"] : ["h2", "http/1.1"];
  const watch = tls === undefined ? undefined : await watchTls(tls);
  const { server, setTls } = createFront({
    connections,
    http1,
    http2,
    tls:
      tls === undefined || mode === undefined
        ? undefined
        : {
            options: await loadTlsOptions(tls, names),
            refuses: (socket) => refuses(socket, mode),
          },
    h2c: http.h2c.enabled,
    handshakeTimeout: http.limits.headertimeout,
  });
  const follow = tls === undefined || watch === undefined ? undefined : followTls(tls, names, watch, setTls, log);
  return {
    server,
    reload: () => follow?.reload() ?? Promise.resolve(),
    close() {
      follow?.stop();
      http1.close();
    },
  };
}

/** The client-auth modes that the TLS library doesn't know: a certificate may be missing, or need not be verified. */
function refuses(socket: TLSSocket, mode: { readonly required: boolean; readonly verified: boolean }): boolean {
  if (!mode.required && !mode.verified) return false;
  const shown = socket.getPeerX509Certificate() !== undefined;
  return shown ? mode.verified && !socket.authorized : mode.required;
}

function accessWriter(config: Config, sink: LineSink): Parameters<typeof createExchangeListener>[0]["access"] {
  if (config.log.accesslog.disabled) return undefined;
  const line = createAccessLines();
  return (entry, now) => sink.write(line(entry, now));
}

/** Completion lines of successes are `info`: a log that shows errors only has those of failures. */
function completionWriter(
  config: Config,
  context: ServingContext,
): Parameters<typeof createExchangeListener>[0]["completion"] {
  const line = createCompletionLines(config.log.formatter, context.fields);
  const time = createTimestamps();
  const showsAll = config.log.level === "info" || config.log.level === "debug";
  return (entry, now) => {
    if (showsAll || entry.record.error !== undefined) context.sinks.application.write(line(entry, time(now)));
  };
}

async function drain(connections: ConnectionTable, grace: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, grace)));
  await Promise.race([connections.drain(), late]);
  clearTimeout(timer);
  const cut = connections.size;
  connections.destroy();
  return cut;
}
