import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { AuthRequest, PeerCertificate } from "@longshore/auth";
import type { ClientAddresses } from "../client/client-address.js";
import type { UrlBuilder } from "../client/urls.js";

/** Determines who sent a request and the URL it was sent to. */
export interface RequestSite {
  readonly clients: ClientAddresses;
  readonly urls: UrlBuilder;
}

/** What access control sees of a request. Computed on demand, since most controllers read just one header. */
export class HttpAuthRequest implements AuthRequest {
  readonly #request: IncomingMessage;
  readonly #site: RequestSite;

  constructor(request: IncomingMessage, site: RequestSite) {
    this.#request = request;
    this.#site = site;
  }

  get method(): string {
    return this.#request.method ?? "";
  }

  get headers(): AuthRequest["headers"] {
    return this.#request.headers;
  }

  get remoteAddress(): string | undefined {
    return this.#site.clients.of(this.#request);
  }

  get baseUrl(): string {
    return this.#site.urls.registry(this.#request);
  }

  get believed(): boolean {
    return this.#site.clients.believes(this.#request);
  }

  get secure(): boolean {
    return this.#request.socket instanceof TLSSocket;
  }

  get peerCertificate(): PeerCertificate | undefined {
    const { socket } = this.#request;
    if (!(socket instanceof TLSSocket)) return undefined;
    const certificate = socket.getPeerCertificate();
    // Whatever its types say, Node returns an empty object if the client sent no certificate.
    if (!(certificate.raw instanceof Uint8Array)) return undefined;
    return {
      verified: socket.authorized,
      subject: attributes(certificate.subject),
      issuer: attributes(certificate.issuer),
      subjectAltName: certificate.subjectaltname,
      fingerprint256: certificate.fingerprint256,
      raw: certificate.raw,
    };
  }
}

function attributes(name: object): Record<string, string | readonly string[]> {
  const found: Record<string, string | readonly string[]> = {};
  for (const [key, value] of Object.entries(name)) {
    if (typeof value === "string") found[key] = value;
    else if (Array.isArray(value)) found[key] = value.map(String);
  }
  return found;
}
