import { lstat, unlink } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { parseAddress } from "../config/address.js";

/** Where a server listens. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string | undefined; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "inherited"; readonly fd: number };

/** An address that can't be listened on; the message says what to change. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

/**
 * Reads `http.addr` under `http.net`; an empty text or port 0 is a port that the system chooses. Throws AddressError.
 */
export function parseListenAddress(net: "tcp" | "unix", text: string): ListenAddress {
  if (net === "unix") {
    if (text === "") throw new AddressError("http.addr must name the socket's path when http.net is unix");
    return { kind: "unix", path: text };
  }
  const address = text === "" ? { host: undefined, port: 0 } : parseAddress(text);
  if (address === undefined)
    throw new AddressError(`can't listen on "${text}": expected host:port, :port or [ipv6]:port`);
  return { kind: "tcp", ...address };
}

/** `host:port` as start-up lines and peers are written; IPv6 in brackets, mapped IPv4 as IPv4. */
export function formatAddress(address: string, port: number): string {
  const plain = plainAddress(address);
  return isIPv6(plain) ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** An IPv4 client of a dual-stack socket shows up as `::ffff:a.b.c.d`; logs and rules want `a.b.c.d`. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/**
 * The socket that systemd passed to this process, if any: it takes the place of `http.addr` and `http.net`.
 * Throws AddressError where there is more than one (contract §3.3 http).
 */
export function inheritedAddress(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ListenAddress | undefined {
  if (environment["LISTEN_PID"] !== String(pid)) return undefined;
  const count = Number(environment["LISTEN_FDS"] ?? "0");
  if (count > 1)
    throw new AddressError(`systemd passed ${count} sockets (LISTEN_FDS); the registry serves exactly one`);
  return count === 1 ? { kind: "inherited", fd: 3 } : undefined;
}

/**
 * Removes the socket file that an earlier process left (contract §3.3 http). Throws AddressError for any other file:
 * nobody's data is deleted to make room for a socket.
 */
async function clearSocketFile(path: string): Promise<void> {
  const info = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (info === undefined) return;
  if (!info.isSocket())
    throw new AddressError(`can't listen on ${path}: a file that is no socket is there; remove it or change http.addr`);
  await unlink(path);
}

/**
 * The address that `http` asks for, or the socket that systemd passed. Clears a unix socket's file that was left behind,
 * except in one of several processes that share the socket. Throws AddressError.
 */
export async function listenAddress(
  http: { readonly net: "tcp" | "unix"; readonly addr: string },
  { shared = false } = {},
): Promise<ListenAddress> {
  const inherited = inheritedAddress(process.env, shared ? process.ppid : process.pid);
  if (inherited !== undefined) return inherited;
  const address = parseListenAddress(http.net, http.addr);
  if (address.kind === "unix" && !shared) await clearSocketFile(address.path);
  return address;
}
