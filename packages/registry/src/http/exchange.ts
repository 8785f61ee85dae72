import { setMaxListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessController, AuthPage, Grant, TokenEndpoint } from "@longshore/auth";
import type { RetentionPlan } from "./retention-plan.js";
import type { ActivityRecorder, Inventory, LayerLists } from "@longshore/inventory";
import type { ClientLimits } from "@longshore/policy";
import {
  parseRepositoryName,
  type CallOptions,
  type ImmutableTags,
  type Registry,
  type Repository,
} from "@longshore/storage";
import type { ActivityFeed } from "../activity/feed.js";
import type { Setting } from "../config/settings.js";
import { ApiError } from "../errors/api-error.js";
import type { MaintenanceRequests } from "../maintenance/desk.js";
import type { StatusSource } from "../status/status.js";
import type { Runs } from "../maintenance/runs.js";
import type { ObservedRegistry } from "../notifications/request-events.js";
import type { Log } from "../observability/log.js";
import type { ApiConfig } from "./api-config.js";
import type { RequestSite } from "./access/auth-request.js";
import type { Places } from "./access/places.js";
import type { CatalogCursor } from "./client-state/catalog-cursor.js";
import type { ByteBudget } from "./body/byte-budget.js";
import type { AccessOutcome } from "../observability/request-record.js";
import type { Redirects } from "./client/redirects.js";
import { requestBody } from "./body/request-body.js";
import type { RefusedLogins } from "./access/refused-logins.js";
import type { UploadStates } from "./client-state/upload-state.js";
import type { UrlBuilder } from "./client/urls.js";
import type { LayerReads } from "./extension/layer-reads.js";
import type { ListBodies } from "./response/list-bodies.js";
import { goneSignal } from "./response/client-gone.js";
import { NO_LINES, respond, respondHead, type Recipient } from "./response/respond.js";

/** What all requests of the process share. */
export interface SharedState {
  readonly registry: Registry;
  /** What a repository is called here that a client calls `name`, with the `ns` parameter of its request; undefined: the same. */
  readonly nameFor: NameFor | undefined;
  readonly config: ApiConfig;
  readonly urls: UrlBuilder;
  readonly states: UploadStates;
  /** Memory for manifests that are being pushed. */
  readonly manifestBudget: ByteBudget;
  /** Memory for the forms of token requests, apart from the manifests' so that anonymous clients can't block pushes. */
  readonly formBudget: ByteBudget;
  /** How long such a form may take to arrive (ms). */
  readonly formTimeout: number;
  /** Undefined if tokens are issued elsewhere or not at all. */
  readonly tokens: TokenEndpoint | undefined;
  /** What access control serves beside tokens. */
  readonly pages: readonly AuthPage[];
  /** Layers whose files are being listed. */
  readonly layerReads: LayerReads;
  readonly site: RequestSite;
  /** Undefined if no client is redirected. */
  readonly redirects: Redirects | undefined;
  readonly cursor: CatalogCursor;
  readonly listBodies: ListBodies;
  /** Called with every decision of access control. */
  readonly onAccess: ((outcome: AccessOutcome) => void) | undefined;
  /** Undefined if the registry keeps none. */
  readonly inventory: Inventory | undefined;
  /** Undefined if none are kept. */
  readonly layerLists: LayerLists | undefined;
  /** Undefined if nobody records who pushes and pulls. */
  readonly activity: ActivityRecorder | undefined;
  /** Decides again on a request that takes long. */
  readonly access: AccessController;
  /** What happens, and room for those who watch it; undefined: nobody may. */
  readonly watching: { readonly feed: ActivityFeed; readonly places: Places } | undefined;
  readonly immutable: ImmutableTags;
  readonly retention: RetentionPlan | undefined;
  /** Undefined: no maintenance can be asked for. */
  readonly maintenance: Maintenance | undefined;
  /** How the registry does; undefined where nobody knows. */
  readonly status: StatusSource | undefined;
  /** What the registry runs with, without secrets; undefined where that isn't known. */
  readonly settings: (() => Promise<readonly Setting[] | undefined>) | undefined;
  /** Undefined if no rule limits clients. */
  readonly limits: ClientLimits | undefined;
  /** Called with the rule that refused a request. */
  readonly onLimited: ((rule: string) => void) | undefined;
  /** Undefined if there are no event notifications. */
  readonly observe: ObserveExchange | undefined;
  readonly log: Log;
  readonly refusedLogins: RefusedLogins;
  /** Headers of every response of a matched route: name, value, name, value, …. */
  readonly baseHeaders: readonly string[];
}

/** Jobs that clients may start, and how they go. */
export interface Maintenance {
  readonly runs: Runs;
  readonly requests: MaintenanceRequests;
}

/** A repository's name here, by the name and the `ns` parameter of a request. */
export type NameFor = (name: string, namespace: string | undefined) => string;

/** Opens a registry that reports what the request does in it; undefined if no event can come of the request. */
export type ObserveExchange = (exchange: Exchange) => ObservedRegistry | undefined;

/** A source that the client may not pull from: nothing is mounted, and the rest of the request goes ahead. */
interface RefusedSource {
  /** Says which credentials would have been enough; undefined if none would. */
  readonly challenge: string | undefined;
}

/** One request of a matched route with its response: all that a handler sees of HTTP. */
export class Exchange {
  readonly shared: SharedState;
  /** Where the response is written. */
  readonly to: Recipient;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path's repository name, verified by the route's grammar only; empty if the route has none. */
  readonly name: string;
  /** The path's tag, digest or upload id as sent; empty if the route has none. */
  readonly reference: string;
  readonly path: string;
  readonly queryText: string;
  grant: Grant = { unrestricted: false };
  /** Set if the repository that the request wants to mount from must not be used. */
  refusedSource: RefusedSource | undefined;

  #query: URLSearchParams | undefined;
  #signal: AbortSignal | undefined;
  #repository: Repository | undefined;
  #observed: ObservedRegistry | undefined;
  /** Further headers of the answer. */
  #notes: readonly string[] = NO_LINES;

  constructor(shared: SharedState, to: Recipient, target: RequestTarget) {
    this.shared = shared;
    this.to = to;
    this.request = to.req;
    this.response = to.res;
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

  /** A query parameter; undefined if absent or empty. */
  parameter(name: string): string | undefined {
    if (this.queryText === "") return undefined;
    const value = this.query.get(name);
    return value === null || value === "" ? undefined : value;
  }

  /** A request header's value. Repeated headers are joined as Node does. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  }

  /** The repository that the path names. Throws NAME_INVALID. */
  get repository(): Repository {
    return (this.#repository ??= this.#openRepository());
  }

  #openRepository(): Repository {
    return this.registry.repository(parseRepositoryName(this.name));
  }

  /** All repositories, as this request uses them: what it does there is reported. */
  get registry(): Registry {
    this.#observed ??= this.shared.observe?.(this);
    return this.#observed?.registry ?? this.shared.registry;
  }

  /** Reports the outcome; called once the handler is done and the status is known. */
  finish(): void {
    this.#observed?.answered(this.response.statusCode);
  }

  /** Aborts with `ClientGone` if the client disconnects before its response is complete. */
  get signal(): AbortSignal {
    return (this.#signal ??= goneSignal(this.response));
  }

  /** The same signal for calls that read many things at once: each adds a listener, which isn't a leak. */
  get listSignal(): AbortSignal {
    setMaxListeners(0, this.signal);
    return this.signal;
  }

  /** Tells the client that the answer may be out of date, and why (RFC 7234 §5.5.1). */
  noteStale(reason: string): void {
    this.note(["Warning", `110 - "${warningText(`Response is Stale: ${reason}`)}"`]);
  }

  /** Tells a person who uses the client something beside the answer (distribution-spec §Warnings). */
  warn(text: string): void {
    this.note(["Warning", `299 - "${warningText(text)}"`]);
  }

  /** Adds headers (name, value, …) to the answer, whatever answers. */
  note(lines: readonly string[]): void {
    this.#notes = this.#notes.concat(lines);
  }

  /** Options of calls into the storage. The signal is made only if somebody waits: making one costs more than what is remembered. */
  get call(): CallOptions {
    return callOf(this);
  }

  /** The body as it arrives, the whole within `totalTimeout` ms (0: no limit). A client that waits for a 100 is sent one. */
  body(totalTimeout = 0): AsyncIterable<Uint8Array> {
    return requestBody(this.to, this.shared.config.http.limits.bodyidletimeout, totalTimeout);
  }

  /** The announced size of the body in bytes; undefined if it is chunked. Throws SIZE_INVALID. */
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

  /** Writes status and headers (name, value, …); the caller sends `length` bytes of body. */
  head(status: number, headers: readonly string[], length: number): void {
    respondHead(this.to, status, this.#lines(headers), length);
  }

  /** Sends the whole response, with the length of `body`. A HEAD gets the same headers without the body. */
  end(status: number, headers: readonly string[], body?: string | Uint8Array): void {
    respond(this.to, status, this.#lines(headers), body);
  }

  /** Responds to a HEAD whose body isn't at hand but would have `length` bytes. */
  endWithoutBody(status: number, headers: readonly string[], length: number): void {
    respond(this.to, status, this.#lines(headers), undefined, { length });
  }

  /** Writes status and headers of an answer without a known end; the caller sends its body. */
  stream(status: number, headers: readonly string[]): void {
    respondHead(this.to, status, this.#lines(headers), undefined);
  }

  #lines(headers: readonly string[]): string[] {
    return [...this.shared.baseHeaders, ...headers, ...this.#notes];
  }

  /** Sends a JSON document. */
  json(status: number, text: string | Uint8Array, headers: readonly string[] = []): void {
    this.end(status, ["Content-Type", "application/json", ...headers], text);
  }
}

/** The specification allows 4096 bytes of warnings in one response. */
const MAX_WARNING = 1000;

/** What can stand between the quotes of a warning, without escapes, which clients may not know. */
function warningText(text: string): string {
  return text
    .slice(0, MAX_WARNING)
    .replace(/[^\x20-\x7e]/g, "?")
    .replace(/["\\]/g, "'");
}

/** What the router found in the request line. */
export interface RequestTarget {
  readonly name: string;
  readonly reference: string;
  readonly path: string;
  readonly queryText: string;
}

function callOf(exchange: Exchange): CallOptions {
  return {
    get signal() {
      return exchange.signal;
    },
  };
}
