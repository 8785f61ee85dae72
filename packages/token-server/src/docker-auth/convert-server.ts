import { HOUR, SECOND } from "@longshore/base/duration";
import type { DockerAuth } from "./grammar.js";
import type { Report } from "./report.js";
import { tlsOf } from "./tls.js";

/** `http` by `server`. What can't be taken over is reported. */
export function httpOf(document: DockerAuth, report: Report): Readonly<Record<string, unknown>> {
  const { server } = document;
  if ((server.certificate === undefined) !== (server.key === undefined))
    report.error(["server"], "certificate and key go together");
  const letsencrypt = letsEncryptOf(document, report);
  const isTls = server.certificate !== undefined || letsencrypt !== undefined;
  return {
    addr: server.addr,
    net: server.net === "unix" ? "unix" : "tcp",
    ...(server.path_prefix === undefined ? {} : { prefix: `${server.path_prefix.replace(/\/+$/, "")}/` }),
    ...(isTls ? { tls: { ...tlsOf(document, report), ...(letsencrypt === undefined ? {} : { letsencrypt }) } } : {}),
    ...(server.real_ip_header === undefined
      ? {}
      : { clientaddress: { header: server.real_ip_header, position: server.real_ip_pos ?? 0 } }),
    ...(server.hsts ? { headers: { "Strict-Transport-Security": ["max-age=63072000; includeSubDomains"] } } : {}),
  };
}

/** `http.tls.letsencrypt` by the section of that name; undefined where docker_auth ignores it, too: without an address. */
function letsEncryptOf({ server }: DockerAuth, report: Report): Readonly<Record<string, unknown>> | undefined {
  const { letsencrypt } = server;
  if (letsencrypt?.email === undefined) return undefined;
  const place = ["server", "letsencrypt"];
  if (server.certificate !== undefined) {
    report.warning(place, "has no effect beside certificate and key, as in docker_auth");
    return undefined;
  }
  const { email, host, cache_dir: cachefile } = letsencrypt;
  if (host === undefined) {
    report.error(place, "host is missing; docker_auth orders a certificate for whatever name a client asks for then");
    return undefined;
  }
  if (cachefile === undefined) {
    report.error(place, "cache_dir is missing; keys and certificates are kept in that folder");
    return undefined;
  }
  return { email, hosts: [host], cachefile };
}

/** Clients assume a minute at least. */
const SHORTEST = 60;
const LONGEST = (24 * HOUR) / SECOND;

/** What of `tokenserver` says how tokens are made. What can't be taken over is reported. */
export function tokensOf({ server, token, users }: DockerAuth, report: Report): Readonly<Record<string, unknown>> {
  if ((token.certificate === undefined) !== (token.key === undefined))
    report.error(["token"], "certificate and key go together");
  const pair = token.key === undefined ? server : token;
  if (pair.key === undefined) report.error(["token"], "certificate and key are missing; the key signs the tokens");
  const lifetime = Math.min(LONGEST, Math.max(SHORTEST, token.expiration));
  if (lifetime !== token.expiration)
    report.warning(
      ["token", "expiration"],
      `tokens are valid for ${lifetime} seconds instead: at least a minute, which clients assume, and at most a day; clients ask for new ones by themselves`,
    );
  const isLegacy = !token.disable_legacy_key_id;
  return {
    service: token.issuer,
    // docker_auth issues tokens for whatever service a client names.
    services: ["*"],
    lifetime: `${lifetime}s`,
    anonymous: (users?.[""] ?? null) !== null,
    // The user without a name is let in on purpose: rules without an account are for them, too.
    anonymousrules: true,
    keys: {
      certificate: pair.certificate,
      key: pair.key,
      // Both of registry:2 and registry:3 find the key by its certificate; a JWK set wants the thumbprint alone.
      x5c: isLegacy,
      keyid: isLegacy ? "libtrust" : "thumbprint",
    },
  };
}
