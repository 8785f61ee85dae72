import type { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { serveRegistry, type ServedRegistry } from "../server/process.js";

/** The host for which certificates are ordered. */
export const HOST = "registry.example.test";

/** A registry whose certificates come from an authority. */
export interface Options {
  readonly port: number;
  readonly directory: string;
  readonly authority: string;
  /** The folder of `cachefile`; by default in the registry's own. */
  readonly cache?: string;
  readonly data?: string;
  /** In place of files. */
  readonly storage?: Readonly<Record<string, unknown>>;
  readonly workers?: number;
  readonly letsencrypt?: Readonly<Record<string, unknown>>;
  readonly http?: Readonly<Record<string, unknown>>;
}

/** Starts it, in one process or several. */
export function serve({
  port,
  directory,
  authority,
  cache = "FOLDER/cache",
  ...rest
}: Options): Promise<ServedRegistry> {
  const { data, workers = 1, letsencrypt, http } = rest;
  const storage = rest.storage ?? (data === undefined ? undefined : { filesystem: { rootdirectory: data } });
  const settings = { cachefile: cache, email: "someone@example.test", hosts: [HOST], directoryurl: directory };
  return serveRegistry({
    environment: { NODE_EXTRA_CA_CERTS: authority },
    ...(storage === undefined ? {} : { rest: { storage } }),
    http: { addr: `127.0.0.1:${port}`, workers, ...http, tls: { letsencrypt: { ...settings, ...letsencrypt } } },
  });
}

/** The certificate that is shown to clients who ask for `name`; undefined: the handshake fails. */
export function shown(port: number, name: string = HOST): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: name, rejectUnauthorized: false });
    socket.once("secureConnect", () => {
      resolve(socket.getPeerX509Certificate());
      socket.destroy();
    });
    socket.once("error", () => resolve(undefined));
  });
}

/** What the log says of a certificate that new connections get. */
export const IN_USE = `certificate of ${HOST}: valid until`;
