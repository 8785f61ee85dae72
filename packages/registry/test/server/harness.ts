import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { loadConfig } from "../../src/config/load.js";
import type { Config } from "../../src/config/config.js";
import type { HealthFailures } from "../../src/health/health-check.js";
import type { LogFields } from "../../src/observability/log.js";
import { createLog } from "../../src/observability/create-log.js";
import type { LineSink } from "../../src/observability/sink.js";
import { parseListenAddress } from "../../src/server/listeners/listen-address.js";
import { ConnectionTable } from "../../src/server/connections/connection-table.js";
import type { RequestListener } from "../../src/http/app.js";
import { createClientAddresses } from "../../src/http/client/client-address.js";
import { openListener, type ApiListener } from "../../src/server/listeners/api-listener.js";

const FIELDS: LogFields = { "instance.id": "i", version: "v", service: "registry" };

/** The configuration of a file with this `http` section (YAML flow) and the rest of the file. */
export function configOf(http: string, rest = ""): Config {
  const text = `version: 0.1\nstorage: inmemory\nhttp: ${http}\n${rest}\n`;
  const loaded = loadConfig({ text, file: "config.yml", environment: {}, machine: { cores: 1 } });
  if (loaded.config === undefined) throw new Error(loaded.errors.map((finding) => finding.message).join("\n"));
  return loaded.config;
}

/** Keeps lines instead of writing them. */
function memorySink(): LineSink & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, write: (line) => void lines.push(line), flush: () => undefined, close: () => undefined };
}

export interface TestServing extends AsyncDisposable {
  readonly listener: ApiListener;
  readonly address: string;
  readonly connections: ConnectionTable;
  readonly port: number;
  readonly access: string[];
  readonly application: string[];
  setHealth(failures: HealthFailures): void;
}

/** Serves `app` on a port of the loopback address, or a unix socket, as the configuration says. */
export async function serve(config: Config, app: RequestListener, limit = 0): Promise<TestServing> {
  const connections = new ConnectionTable({ connections: limit, stall: config.http.limits.bodyidletimeout });
  const access = memorySink();
  const application = memorySink();
  let failures: HealthFailures = {};
  const log = createLog(
    { level: config.log.level, format: config.log.formatter, fields: FIELDS, reportCaller: false },
    application,
  );
  const listener = await openListener(config, {
    app: { onRequest: app },
    clients: createClientAddresses(config.http.trustedproxies, log),
    isHealthy: () => Object.keys(failures).length === 0,
    connections,
    metrics: undefined,
    activity: undefined,
    audit: undefined,
    tracing: undefined,
    findChallenge: undefined,
    log,
    fields: FIELDS,
    sinks: { access, application },
  });
  const address = await listener.listen(parseListenAddress(config.http.net, config.http.addr));
  return {
    listener,
    address,
    connections,
    port: Number(/:(\d+)$/.exec(address)?.[1] ?? 0),
    access: access.lines,
    application: application.lines,
    setHealth: (next) => (failures = next),
    async [Symbol.asyncDispose]() {
      await listener.stop(0);
      listener.close();
    },
  };
}

/** Everything that a raw connection receives until it is closed, after `text` was sent. */
export function exchangeRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket: Socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (received += chunk));
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(received));
  });
}

export function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}
