import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { createNetworks, isNetwork, type Networks } from "./networks.js";

/** Finds the address that a request comes from. */
export type ClientAddress = (request: IncomingMessage) => string | undefined;

/** Of a header that proxies add to, no more than this is looked at (bytes). */
const HEADER_LIMIT = 4096;

/** IPv4 clients of a dual-stack socket show up as `::ffff:a.b.c.d`. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** An entry of `X-Forwarded-For`, which some proxies write with the client's port: `a.b.c.d:port`, `[v6]:port`. */
function entryAddress(entry: string): string {
  const [, v4, v6] = /^(?:([\d.]+)(?::\d{1,5})?|\[([^\]]*)\](?::\d{1,5})?)$/.exec(entry) ?? [];
  return plain(v4 ?? v6 ?? entry);
}

/** Whether `text` is something that {@link createClientAddress} takes. */
export function isTrustedProxy(text: string): boolean {
  return text === "unix" || isNetwork(text);
}

/**
 * The connection's other end, or, where that is one of `trusted` (addresses, networks, `unix`), whom it names: the last
 * entry of `X-Forwarded-For` that is no trusted proxy itself, or `X-Real-IP` where there is no `X-Forwarded-For` (a proxy that
 * writes the one may pass the client's own other on). Nobody else is believed, since anybody can send these headers.
 */
export function createClientAddress(trusted: readonly string[]): ClientAddress {
  const isProxy = createNetworks(trusted);
  const believesUnix = trusted.includes("unix");
  return (request) => {
    const remote = request.socket.remoteAddress;
    const peer = remote === undefined ? undefined : plain(remote);
    if (trusted.length === 0) return peer;
    if (peer === undefined ? !believesUnix : !isProxy(peer)) return peer;
    return forwarded(request, isProxy) ?? peer;
  };
}

function forwarded(request: IncomingMessage, isProxy: Networks): string | undefined {
  const header = request.headers["x-forwarded-for"];
  const list = (typeof header === "string" ? header : (header?.join(",") ?? "")).slice(-HEADER_LIMIT);
  let nearest: string | undefined;
  for (const entry of list.split(",").reverse()) {
    const address = entryAddress(entry.trim());
    if (isIP(address) === 0) break;
    nearest = address;
    if (!isProxy(address)) return address;
  }
  if (header !== undefined) return nearest;
  const real = request.headers["x-real-ip"];
  const address = typeof real === "string" ? plain(real.trim()) : "";
  return isIP(address) === 0 ? undefined : address;
}
