import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

/** Builds the URLs of `Location` headers (contract §1.5). */
export interface UrlBuilder {
  /** Where clients find this registry, absolute and without a closing slash: what stands before `/v2/`. */
  registry(request: IncomingMessage): string;
  blob(request: IncomingMessage, name: string, digest: string): string;
  manifest(request: IncomingMessage, name: string, reference: string): string;
  upload(request: IncomingMessage, name: string, uuid: string, state: string): string;
}

export interface UrlOptions {
  readonly host: string | undefined;
  readonly relativeUrls: boolean;
  readonly prefix: string;
}

export function createUrlBuilder(options: UrlOptions): UrlBuilder {
  const fixed = fixedBase(options);
  // All but the last `/`, which every route begins with.
  const prefix = options.prefix.replace(/\/+$/, "");
  const base = (request: IncomingMessage): string => fixed ?? `${origin(request)}${prefix}`;
  const registry = registryBase(options, prefix);
  return {
    registry: (request) => registry ?? `${origin(request)}${prefix}`,
    blob: (request, name, digest) => `${base(request)}/v2/${name}/blobs/${digest}`,
    manifest: (request, name, reference) => `${base(request)}/v2/${name}/manifests/${reference}`,
    upload: (request, name, uuid, state) =>
      `${base(request)}/v2/${name}/blobs/uploads/${uuid}?_state=${encodeURIComponent(state)}`,
  };
}

/** What doesn't depend on the request: a configured host, or nothing at all for relative URLs, the prefix left out in both. */
function fixedBase({ host, relativeUrls }: UrlOptions): string | undefined {
  if (host !== undefined && host !== "") {
    const [, origin, path] = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]+)([^?#]*)/.exec(host) ?? [];
    if (origin !== undefined) return origin + (path ?? "").replace(/\/[^/]*$/, "");
  }
  return relativeUrls ? "" : undefined;
}

/** A configured host's path is the prefix as clients see it; one without a path leaves the prefix as it is. */
function registryBase({ host = "" }: UrlOptions, prefix: string): string | undefined {
  const [, origin, path = ""] = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]+)([^?#]*)/.exec(host) ?? [];
  if (origin === undefined) return undefined;
  const own = path.replace(/\/[^/]*$/, "");
  return origin + (own === "" ? prefix : own);
}

function origin(request: IncomingMessage): string {
  const { scheme, host } = target(request);
  return host === "" ? "" : `${scheme}://${host}`;
}

interface Target {
  readonly scheme: string;
  readonly host: string;
}

/** How the client reached us: as proxies say (RFC 7239, else X-Forwarded-*), otherwise as the connection shows. */
function target(request: IncomingMessage): Target {
  const { headers } = request;
  const direct: Target = {
    scheme: request.socket instanceof TLSSocket ? "https" : "http",
    host: headers.host ?? first(headers[":authority"]) ?? "",
  };
  // Forwarded counts alone, even where it can't be read (contract §1.5).
  const forwarded = headers.forwarded;
  if (forwarded !== undefined) return { ...direct, ...parseForwarded(forwarded) };
  const scheme = first(headers["x-forwarded-proto"]);
  const host = first(headers["x-forwarded-host"]);
  return {
    scheme: scheme !== undefined && isScheme(scheme) ? scheme : direct.scheme,
    host: host !== undefined && isHost(host) ? host : direct.host,
  };
}

/** The first element of a comma-separated header; undefined where it is empty. */
function first(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  const element = text?.split(",", 1)[0]?.trim();
  return element === "" ? undefined : element;
}

function isScheme(text: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(text);
}

/** What can stand for a host in a URL without changing what follows. */
function isHost(text: string): boolean {
  return /^[^\s/?#@\\]+$/.test(text);
}

const PAIR = /^\s*([!#$%&'*+.^_`|~0-9a-zA-Z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*$/;

/** `proto` and `host` of the first element (RFC 7239 §4); none of them where it can't be read. */
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
