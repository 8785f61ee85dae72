import { hasErrno } from "@longshore/base/errno";
import { lstat, unlink } from "node:fs/promises";
import { parseAddress } from "@longshore/base/address";

/** The address that a server listens on. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string | undefined; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "inherited"; readonly fd: number };

/** An invalid or unavailable address; the message says what to change. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

/** Reads `http.addr` under `http.net`; an empty string or port 0 lets the system choose a port. Throws AddressError. */
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

/**
 * The socket that systemd passed to this process, if any: it takes the place of `http.addr` and `http.net`. Throws
 * AddressError if there is more than one (wire contract §3.3 http).
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
 * Removes the socket file that an earlier process left (wire contract §3.3 http). Throws AddressError for any other file: no
 * data is deleted to make room for a socket.
 */
async function clearSocketFile(path: string): Promise<void> {
  const info = await lstat(path).catch((error: unknown) => {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  });
  if (info === undefined) return;
  if (!info.isSocket())
    throw new AddressError(
      `can't listen on ${path}: a file that isn't a socket already exists there; remove it or change http.addr`,
    );
  await unlink(path);
}

/**
 * The address configured in `http`, or the socket that systemd passed. Removes a leftover unix socket file, except in one of
 * several processes that share the socket. Throws AddressError.
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
