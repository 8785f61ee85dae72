import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { HttpConfig } from "../../config/config.js";

/** Builds the URLs of `Location` headers (wire contract §1.5). */
export interface UrlBuilder {
  /** Where clients find this registry, absolute and without a trailing slash: what comes before `/v2/`. */
  registry(request: IncomingMessage): string;
  blob(request: IncomingMessage, name: string, digest: string): string;
  manifest(request: IncomingMessage, name: string, reference: string): string;
  upload(request: IncomingMessage, name: string, uuid: string, state: string): string;
}

type UrlOptions = Pick<HttpConfig, "host" | "relativeurls" | "prefix">;

/** Whether a request's `Forwarded` and `X-Forwarded-*` headers are believed. */
type Believes = (request: IncomingMessage) => boolean;

export function createUrlBuilder(options: UrlOptions, believes: Believes): UrlBuilder {
  // Without the final `/`, with which every route begins.
  const prefix = options.prefix.replace(/\/+$/, "");
  const fixed = fixedBase(options, prefix);
  const base = (request: IncomingMessage): string => fixed ?? `${origin(request, believes)}${prefix}`;
  const registry = registryBase(options, prefix);
  return {
    registry: (request) => registry ?? `${origin(request, believes)}${prefix}`,
    blob: (request, name, digest) => `${base(request)}/v2/${name}/blobs/${digest}`,
    manifest: (request, name, reference) => `${base(request)}/v2/${name}/manifests/${reference}`,
    upload: (request, name, uuid, state) =>
      `${base(request)}/v2/${name}/blobs/uploads/${uuid}?_state=${encodeURIComponent(state)}`,
  };
}

/** What doesn't depend on the request: a configured host, whose path is the prefix, or the prefix alone for relative URLs. */
function fixedBase({ host, relativeurls }: UrlOptions, prefix: string): string | undefined {
  if (host !== undefined && host !== "") {
    const [, origin, path] = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]+)([^?#]*)/.exec(host) ?? [];
    if (origin !== undefined) return origin + (path ?? "").replace(/\/[^/]*$/, "");
  }
  return relativeurls ? prefix : undefined;
}

/** A configured host's path is the prefix as clients see it; one without a path leaves the prefix as it is. */
function registryBase({ host = "" }: UrlOptions, prefix: string): string | undefined {
  const [, origin, path = ""] = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]+)([^?#]*)/.exec(host) ?? [];
  if (origin === undefined) return undefined;
  const own = path.replace(/\/[^/]*$/, "");
  return origin + (own === "" ? prefix : own);
}

function origin(request: IncomingMessage, believes: Believes): string {
  const { scheme, host } = target(request, believes);
  return host === "" ? "" : `${scheme}://${host}`;
}

interface Target {
  readonly scheme: string;
  readonly host: string;
}

/** How the client reached us: as proxies report (RFC 7239, otherwise X-Forwarded-*), or else as the connection shows. */
function target(request: IncomingMessage, believes: Believes): Target {
  const { headers } = request;
  const direct: Target = {
    scheme: request.socket instanceof TLSSocket ? "https" : "http",
    host: headers.host ?? first(headers[":authority"]) ?? "",
  };
  if (!believes(request)) return direct;
  // If there is a Forwarded header, it alone counts, even if it can't be parsed (wire contract §1.5).
  const forwarded = headers.forwarded;
  if (forwarded !== undefined) return { ...direct, ...parseForwarded(forwarded) };
  const scheme = first(headers["x-forwarded-proto"]);
  const host = first(headers["x-forwarded-host"]);
  return {
    scheme: scheme !== undefined && isScheme(scheme) ? scheme : direct.scheme,
    host: host !== undefined && isHost(host) ? host : direct.host,
  };
}

/** The first element of a comma-separated header; undefined if it is empty. */
function first(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  const element = text?.split(",", 1)[0]?.trim();
  return element === "" ? undefined : element;
}

/** Only these two reach a registry; anything else in an address that clients follow is an attack or a mistake. */
function isScheme(text: string): boolean {
  return /^https?$/i.test(text);
}

/** What may be a host in a URL without changing the rest of it. */
function isHost(text: string): boolean {
  return /^[^\s/?#@\\]+$/.test(text);
}

const PAIR = /^\s*([!#$%&'*+.^_`|~0-9a-zA-Z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*$/;

/** `proto` and `host` of the first element (RFC 7239 §4); neither if it can't be parsed. */
function parseForwarded(value: string): Partial<Target> {
  const found: { scheme?: string; host?: string } = {};
  for (const pair of splitOutsideQuotes(firstElement(value), ";")) {
    const [, key, quoted, token] = PAIR.exec(pair) ?? [];
    if (key === undefined) return {};
    const text = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
    if (key.toLowerCase() === "proto" && isScheme(text)) found.scheme = text;
    if (key.toLowerCase() === "host" && isHost(text)) found.host = text;
  }
  return found;
}

function firstElement(value: string): string {
  return splitOutsideQuotes(value, ",")[0] ?? "";
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (quoted && character === "\\") i += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
