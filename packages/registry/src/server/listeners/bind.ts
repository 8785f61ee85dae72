import { errnoOf } from "@longshore/base/errno";
import { formatHostPort } from "@longshore/base/network";
import type { Server } from "node:net";
import { AddressError, type ListenAddress } from "./listen-address.js";

/** Connections that the system queues while the process is busy. */
const BACKLOG = 1024;

/** Starts listening; resolves with the address as the start-up line shows it. Throws AddressError saying what is wrong. */
export async function bind(server: Server, address: ListenAddress): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(explain(error, address));
    server.once("error", onError);
    server.listen(listenOptions(address), () => {
      server.removeListener("error", onError);
      resolve();
    });
  });
  const bound = server.address();
  if (typeof bound === "string") return bound;
  if (bound !== null && "port" in bound) return formatHostPort(bound.address, bound.port);
  return describe(address);
}

function listenOptions(address: ListenAddress): {
  host?: string;
  port?: number;
  path?: string;
  fd?: number;
  backlog: number;
} {
  switch (address.kind) {
    case "tcp":
      return { port: address.port, backlog: BACKLOG, ...(address.host === undefined ? {} : { host: address.host }) };
    case "unix":
      return { path: address.path, backlog: BACKLOG };
    case "inherited":
      return { fd: address.fd, backlog: BACKLOG };
  }
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another process is listening there already; stop it or choose another address, such as REGISTRY_HTTP_ADDR=:5001",
  EACCES: "this user may not; choose a port above 1023 or a folder that it can write to",
  EADDRNOTAVAIL: "this machine doesn't have that address",
  ENOTFOUND: "the host's name is unknown",
  ENOENT: "the folder of the socket doesn't exist",
};

function explain(error: Error, address: ListenAddress): AddressError {
  const code = errnoOf(error) ?? "";
  return new AddressError(`can't listen on ${describe(address)}: ${EXPLANATIONS[code] ?? error.message}`, {
    cause: error,
  });
}

function describe(address: ListenAddress): string {
  switch (address.kind) {
    case "tcp":
      return address.host === undefined ? `:${address.port}` : formatHostPort(address.host, address.port);
    case "unix":
      return address.path;
    case "inherited":
      return `the inherited socket ${address.fd}`;
  }
}
