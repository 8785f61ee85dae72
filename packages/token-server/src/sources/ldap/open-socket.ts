import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { DirectoryFault } from "./fault.js";
import { requestTls } from "./start-tls.js";

/** A server of the directory. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly security: "ldaps" | "starttls" | "none";
}

/** How servers' certificates are verified. */
export interface TlsTrust {
  /** PEM; undefined: the system's authorities. */
  readonly ca: Buffer | undefined;
  readonly isVerified: boolean;
}

/** Milliseconds after which an idle connection is probed. */
const KEEP_ALIVE = 30_000;

/**
 * Connects, and with TLS where the address says so, before anything else is sent. The certificate's name is verified. There is
 * no way back to an open connection. Throws DirectoryFault, or the signal's reason.
 */
export async function openSocket(address: ServerAddress, trust: TlsTrust, signal: AbortSignal): Promise<Socket> {
  const { host, port, security } = address;
  let socket: Socket = connectTcp({ host, port });
  const stop = (): void => void socket.destroy();
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    await once(socket, "connect", { signal });
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
    if (security === "none") return socket;
    if (security === "starttls") await requestTls(socket, signal);
    // Without `host` the certificate of an address would be compared with "localhost".
    socket = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      minVersion: "TLSv1.2",
      rejectUnauthorized: trust.isVerified,
      ...(trust.ca && { ca: trust.ca }),
    });
    await once(socket, "secureConnect", { signal });
    return socket;
  } catch (error) {
    socket.on("error", () => undefined).destroy();
    signal.throwIfAborted();
    if (error instanceof DirectoryFault) throw error;
    throw new DirectoryFault("server", error instanceof Error ? error.message : "unknown fault", { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
