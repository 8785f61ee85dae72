import { createNetworks, formatHostPort, plainAddress, type Networks } from "@longshore/base/network";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { silentLog, type Log } from "../../observability/log.js";

/**
 * Who clients are: the one answer for rules, throttling, redirects, audit, events and logs. It is the connection's other end,
 * or, where that is a trusted proxy, the client that the proxy names.
 */
export interface ClientAddresses {
  /** The client's address; {@link UNKNOWN_CLIENT} if a trusted proxy names none, undefined on a unix socket. */
  of(request: IncomingMessage): string | undefined;
  /**
   * The client for logs and events: the address that a proxy names, otherwise `ip:port` of the connection, `@` on a unix
   * socket. Nothing is granted because of it: while no proxy is configured, any client's headers are believed, as in
   * Distribution (wire contract §8.3, §9.4).
   */
  shown(request: IncomingMessage): string;
  /**
   * Whether to believe what the request says about its own way (`Forwarded`, `X-Forwarded-*`): always while no proxy is
   * configured, as in Distribution.
   */
  believes(request: IncomingMessage): boolean;
}

/**
 * The address of a client that a trusted proxy doesn't name (RFC 7239 §6.2). No network contains it, and logins from it are
 * counted apart: taken for the proxy's own, it would have the rights of the network that the proxy is in.
 */
const UNKNOWN_CLIENT = "unknown";

/** Of a header that proxies append to, only the last bytes are examined; anything before them counts as unreadable. */
const HEADER_LIMIT = 4096;

/**
 * Believes `trusted` proxies (addresses, networks, `unix`): the client is the last entry of `X-Forwarded-For` that is not a
 * trusted proxy itself, or `X-Real-IP` if there is no `X-Forwarded-For` (a proxy that writes one of them may pass on the
 * other as its client sent it). No one else is believed, since anyone can send these headers.
 */
export function createClientAddresses(
  trusted: readonly string[],
  log: Log = silentLog,
  claim?: ClaimedAddress,
): ClientAddresses {
  if (claim?.header !== undefined) return claimedAddresses(claim.header.toLowerCase(), claim.position);
  const isProxy = createNetworks(trusted);
  const trustsUnix = trusted.includes("unix");
  const isTrusted = (peer: string | undefined): boolean => (peer === undefined ? trustsUnix : isProxy(peer));
  const of = (request: IncomingMessage): string | undefined => {
    const peer = peerOf(request);
    return trusted.length === 0 || !isTrusted(peer) ? peer : forwarded(request, isProxy);
  };
  return {
    of,
    shown(request) {
      if (trusted.length === 0) return claimed(request, log) ?? connectionOf(request);
      const client = of(request);
      return client === undefined || client === UNKNOWN_CLIENT || client === peerOf(request)
        ? connectionOf(request)
        : client;
    },
    believes: (request) => trusted.length === 0 || isTrusted(peerOf(request)),
  };
}

/** `http.clientaddress`. */
export interface ClaimedAddress {
  readonly header?: string | undefined;
  /** From 0; negative ones count from the end, -1 being the last. */
  readonly position: number;
}

/** Clients where the header says, whoever sent it. What else a request says about its way is as little in doubt. */
function claimedAddresses(header: string, position: number): ClientAddresses {
  const of = ({ headers }: IncomingMessage): string => {
    const text = String(headers[header] ?? "");
    if (text.length > HEADER_LIMIT) return UNKNOWN_CLIENT;
    const entries = text.split(",");
    // docker_auth takes the first one if there are fewer than a negative position counts.
    const entry = entries[position < 0 ? Math.max(0, entries.length + position) : position];
    const address = entryAddress(entry?.trim() ?? "");
    return isIP(address) === 0 ? UNKNOWN_CLIENT : address;
  };
  return {
    of,
    shown(request) {
      const client = of(request);
      return client === UNKNOWN_CLIENT ? connectionOf(request) : client;
    },
    believes: () => true,
  };
}

function peerOf({ socket: { remoteAddress } }: IncomingMessage): string | undefined {
  return remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
}

function connectionOf({ socket: { remoteAddress, remotePort } }: IncomingMessage): string {
  return remoteAddress === undefined ? "@" : formatHostPort(remoteAddress, remotePort ?? 0);
}

/** The address that the request claims to come from, regardless of the sender. */
function claimed({ headers }: IncomingMessage, log: Log): string | undefined {
  for (const header of [headers["x-forwarded-for"], headers["x-real-ip"]]) {
    if (header === undefined) continue;
    const [first = ""] = String(header).split(",", 1);
    const address = first.trim();
    if (isIP(address) !== 0) return address;
    // Text from a client doesn't need a person's attention.
    log.debug(`invalid remote IP address: "${address.slice(0, 100)}"`);
  }
  return undefined;
}

function forwarded({ headers }: IncomingMessage, isProxy: Networks): string {
  const header = headers["x-forwarded-for"];
  if (header !== undefined) return farthest(String(header), isProxy);
  const real = headers["x-real-ip"];
  const address = typeof real === "string" ? plainAddress(real.trim()) : "";
  return isIP(address) === 0 ? UNKNOWN_CLIENT : address;
}

/** The last entry of `list` that isn't a proxy, or the first one if all are; unknown if one in between can't be parsed. */
function farthest(list: string, isProxy: Networks): string {
  const entries = list.slice(-HEADER_LIMIT).split(",").reverse();
  // The entry at the cut may lack its beginning.
  if (list.length > HEADER_LIMIT) entries[entries.length - 1] = "";
  let nearest = UNKNOWN_CLIENT;
  for (const entry of entries) {
    const address = entryAddress(entry.trim());
    if (isIP(address) === 0) return UNKNOWN_CLIENT;
    if (!isProxy(address)) return address;
    nearest = address;
  }
  return nearest;
}

/** An entry of `X-Forwarded-For`, which some proxies write with the client's port: `a.b.c.d:port`, `[v6]:port`. */
function entryAddress(entry: string): string {
  const [, v4, v6] = /^(?:([\d.]+)(?::\d{1,5})?|\[([^\]]*)\](?::\d{1,5})?)$/.exec(entry) ?? [];
  return plainAddress(v4 ?? v6 ?? entry);
}
