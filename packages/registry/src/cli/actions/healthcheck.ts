import { get as getOverHttp, type RequestOptions } from "node:http";
import { get as getOverTls } from "node:https";
import type { Config } from "../../config/config.js";
import { parseListenAddress } from "../../server/listeners/listen-address.js";
import type { Invocation } from "../command.js";
import { printErrors } from "../configuration.js";
import type { ExitCode } from "../terminal.js";

/** How long the registry may take to answer (ms). */
const PATIENCE = 5_000;

/** Exits with 0 if the registry that runs with this configuration is ready, otherwise with 1 and the reason. */
export async function checkHealth({ configuration: { loaded }, terminal }: Invocation): Promise<ExitCode> {
  if (loaded.config === undefined) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  try {
    const status = await ask(placeOf(loaded.config));
    if (status === 200) return 0;
    terminal.err(`registry: not ready: /readyz answered ${status}; /debug/health on http.debug.addr says why\n`);
  } catch (cause) {
    terminal.err(`registry: not ready: ${cause instanceof Error ? cause.message : "no answer"}\n`);
  }
  return 1;
}

/** Where to ask: the debug address, which has neither TLS nor a socket file, or else where clients are served. */
function placeOf({ http: { addr, net, tls, debug } }: Config): RequestOptions & { readonly secure: boolean } {
  const address = debug.addr === undefined ? parseListenAddress(net, addr) : parseListenAddress("tcp", debug.addr);
  const secure = debug.addr === undefined && tls !== undefined;
  if (address.kind !== "tcp") return { socketPath: address.kind === "unix" ? address.path : undefined, secure };
  if (address.port === 0) throw new Error("http.addr names no port, so nobody can know where to ask");
  return { host: loopbackFor(address.host), port: address.port, secure };
}

/** The address at which a listener on `host` is reached from its own machine. */
function loopbackFor(host: string | undefined): string {
  if (host === undefined || host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** The status with which `/readyz` answers. Throws if nobody answers in time. */
function ask({ secure, ...place }: RequestOptions & { readonly secure: boolean }): Promise<number> {
  // What answers is this machine's own process, whatever name its certificate has.
  const options = { ...place, path: "/readyz", agent: false, timeout: PATIENCE, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = (secure ? getOverTls : getOverHttp)(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
    request.on("error", (error) => {
      // A registry that insists on a client's certificate has answered by that.
      if (secure && "code" in error && CERTIFICATE_WANTED.has(String(error.code))) resolve(200);
      else reject(error);
    });
  });
}

/** What Node calls the alerts `certificate_required` of TLS 1.3 and `handshake_failure` of TLS 1.2. */
const CERTIFICATE_WANTED = new Set([
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
]);
