import { createNetworks, isNetwork, parseIp } from "@longshore/base/network";
import { classOf } from "./address-class.js";

/** Names of variables and their values. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy through which `url` is reached, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say, also in lower case; undefined: none. As Go reads
 * them, and with it Distribution: localhost and loopback addresses never go through a proxy, and a value without a scheme is one of HTTP.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const value = read(environment, name);
  if (value === "" || isExempt(url, read(environment, "no_proxy"))) return undefined;
  const text = value.includes("://") ? value : `http://${value}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function read(environment: ProxyEnvironment, name: string): string {
  const upper = environment[name.toUpperCase()] ?? "";
  return (upper === "" ? (environment[name] ?? "") : upper).trim();
}

function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (host === "localhost") return true;
  if (parseIp(host) !== undefined && classOf(host) === "loopback") return true;
  return noProxy
    .split(/[,\s]+/)
    .filter((entry) => entry !== "")
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

/** `*`, an address, a network, or a name that stands for its subdomains too; with a port only that one. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (isNetwork(entry)) return createNetworks([entry])(host);
  const [, name = "", ownPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (ownPort !== undefined && ownPort !== port) return false;
  const bare = name.replace(/^\[|\]$/g, "");
  if (parseIp(bare) !== undefined) return createNetworks([bare])(host);
  if (name.startsWith("*.")) return host.endsWith(name.slice(1));
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}
