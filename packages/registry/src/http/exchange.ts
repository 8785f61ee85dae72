import { setMaxListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant, TokenEndpoint } from "@longshore/auth";
import { parseRepositoryName, type CallOptions, type Registry, type Repository } from "@longshore/storage";
import { ApiError, ClientGone } from "../errors/api-error.js";
import type { ObservedRegistry } from "../notifications/request-events.js";
import type { Log } from "../observability/log.js";
import type { RequestSite } from "./auth-request.js";
import type { CatalogCursor } from "./catalog-cursor.js";
import type { AccessOutcome } from "../observability/request-record.js";
import type { Redirects } from "./redirects.js";
import { requestBody } from "./request-body.js";
import type { ApiOptions } from "./options.js";
import type { UploadStates } from "./upload-state.js";
import type { UrlBuilder } from "./urls.js";
import { settleRequest } from "./unread-body.js";

/** What all requests share. */
export interface Api {
  readonly registry: Registry;
  readonly options: ApiOptions;
  readonly urls: UrlBuilder;
  readonly states: UploadStates;
  /** Undefined: tokens are issued elsewhere, or there are none. */
  readonly tokens: TokenEndpoint | undefined;
  readonly site: RequestSite;
  /** Undefined: nobody is redirected. */
  readonly redirects: Redirects | undefined;
  readonly cursor: CatalogCursor;
  /** Told of every decision of access control. */
  readonly onAccess: ((outcome: AccessOutcome) => void) | undefined;
  /** Undefined: nobody is told what requests do. */
  readonly observe: ObserveExchange | undefined;
  readonly log: Log;
  /** Name, value, name, value, …: on every answer of a matched route. */
  readonly baseHeaders: readonly string[];
}

/** Makes the registry that a request works with, where somebody wants to hear of what it does. */
export type ObserveExchange = (exchange: Exchange) => ObservedRegistry | undefined;

const NO_BODY = "";

/** One request of a matched route with its answer: all that a handler sees of HTTP. */
export class Exchange {
  readonly api: Api;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path's repository name, verified by the route's grammar only; empty where the route has none. */
  readonly name: string;
  /** The path's tag, digest or upload id as it stands there; empty where the route has none. */
  readonly reference: string;
  readonly path: string;
  readonly queryText: string;
  grant: Grant = { unrestricted: false };

  #query: URLSearchParams | undefined;
  #signal: AbortSignal | undefined;
  #repository: Repository | undefined;
  #observed: ObservedRegistry | undefined;

  constructor(api: Api, request: IncomingMessage, response: ServerResponse, target: RequestTarget) {
    this.api = api;
    this.request = request;
    this.response = response;
    this.name = target.name;
    this.reference = target.reference;
    this.path = target.path;
    this.queryText = target.queryText;
  }

  get isHead(): boolean {
    return this.request.method === "HEAD";
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.queryText));
  }

  /** A query parameter; undefined where absent or empty. */
  parameter(name: string): string | undefined {
    if (this.queryText === "") return undefined;
    const value = this.query.get(name);
    return value === null || value === "" ? undefined : value;
  }

  /** A request header's value; repeated lines as Node joins them. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  }

  /** The repository that the path names. Throws NAME_INVALID. */
  get repository(): Repository {
    return (this.#repository ??= this.#openRepository());
  }

  #openRepository(): Repository {
    const name = parseRepositoryName(this.name);
    this.#observed = this.api.observe?.(this);
    return (this.#observed?.registry ?? this.api.registry).repository(name);
  }

  /** The handler is done with it, and the status is known. */
  finish(): void {
    this.#observed?.answered(this.response.statusCode);
  }

  /** Aborts with {@link ClientGone} when the client leaves before its answer is complete. */
  get signal(): AbortSignal {
    return (this.#signal ??= goneSignal(this.response));
  }

  /** The same signal for calls that read many things at a time: each of them listens, and that is no leak. */
  get listSignal(): AbortSignal {
    setMaxListeners(0, this.signal);
    return this.signal;
  }

  /** For calls into the storage. */
  get call(): CallOptions {
    return { signal: this.signal };
  }

  /** The body as it arrives; asks a client that waits for it to go on. */
  body(): AsyncIterable<Uint8Array> {
    return requestBody(this.request, this.response, this.api.options.bodyIdleTimeout);
  }

  /** The announced size of the body in bytes; undefined where it is chunked. Throws SIZE_INVALID. */
  get bodyLength(): number | undefined {
    const { headers } = this.request;
    if (headers["transfer-encoding"] !== undefined) return undefined;
    const text = headers["content-length"];
    if (text === undefined) return this.request.httpVersionMajor >= 2 ? undefined : 0;
    const length = Number(text);
    if (!Number.isSafeInteger(length) || length < 0)
      throw new ApiError("SIZE_INVALID", { detail: "bad Content-Length" });
    return length;
  }

  /** Writes status and headers (name, value, …), the API's own first. */
  head(status: number, headers: readonly string[]): void {
    const all = settleRequest(this.request, this.response, this.api.baseHeaders.concat(headers));
    this.response.writeHead(status, all);
  }

  /** The whole answer. A HEAD keeps the headers and leaves the body out. */
  end(status: number, headers: readonly string[], body: string | Uint8Array = NO_BODY): void {
    this.head(status, headers);
    if (body === NO_BODY || this.isHead) this.response.end();
    else this.response.end(body);
  }

  /** A JSON document. */
  json(status: number, text: string, headers: readonly string[] = []): void {
    const length = String(Buffer.byteLength(text));
    this.end(status, ["Content-Type", "application/json", "Content-Length", length, ...headers], text);
  }
}

/** What the router found in the request line. */
export interface RequestTarget {
  readonly name: string;
  readonly reference: string;
  readonly path: string;
  readonly queryText: string;
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort(new ClientGone());
  response.once("close", () => {
    if (!response.writableFinished) controller.abort(new ClientGone());
  });
  return controller.signal;
}
