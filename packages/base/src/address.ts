import { isIPv6 } from "node:net";

/** The address on which a TCP listener listens, or which a TCP check dials. */
export interface TcpAddress {
  /** Undefined means every interface. IPv6 addresses have no brackets. */
  readonly host: string | undefined;
  /** 0 lets the system choose one. */
  readonly port: number;
}

/** The service names that are built into Go. */
const SERVICES: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * Reads `host:port` as Go's `net.Listen` does: `:5000`, `127.0.0.1:5000`, `[::1]:5000`, `registry.example:http`.
 * @returns undefined for anything else
 */
export function parseAddress(text: string): TcpAddress | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^[\]:]*)):([0-9]{1,5}|[a-z]+)?$/i.exec(text);
  if (!parts) return undefined;
  const [, bracketed, plain, portText = "0"] = parts;
  const port = /^[0-9]+$/.test(portText) ? Number(portText) : SERVICES[portText.toLowerCase()];
  if (port === undefined || port > 65_535) return undefined;
  if (bracketed !== undefined) {
    const [address = "", zone] = bracketed.split("%", 2);
    return isIPv6(address) && zone !== "" ? { host: bracketed, port } : undefined;
  }
  if (plain === undefined || plain === "") return { host: undefined, port };
  return /^[A-Za-z0-9._-]+$/.test(plain) ? { host: plain, port } : undefined;
}
