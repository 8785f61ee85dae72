import type { AccessController } from "@longshore/auth";
import type { ActivityFeed } from "../activity/feed.js";
import type { RetentionPlan } from "./retention-plan.js";
import type { ActivityRecorder, Inventory, LayerLists } from "@longshore/inventory";
import type { ClientLimits } from "@longshore/policy";
import { NOTHING_IMMUTABLE, type ImmutableTags, type Registry } from "@longshore/storage";
import type { EventSettings } from "../notifications/contract.js";
import type { Log } from "../observability/log.js";
import type { AccessOutcome } from "../observability/request-record.js";
import type { StatusSource } from "../status/status.js";
import type { ApiConfig } from "./api-config.js";
import { createRefusedLogins } from "./access/refused-logins.js";
import { createPlaces } from "./access/places.js";
import { createByteBudget } from "./body/byte-budget.js";
import type { ClientAddresses } from "./client/client-address.js";
import { createObserver } from "./client/event-origin.js";
import { createRedirects } from "./client/redirects.js";
import { createUrlBuilder } from "./client/urls.js";
import { createCatalogCursor } from "./client-state/catalog-cursor.js";
import { createListBodies } from "./response/list-bodies.js";
import { createLayerReads } from "./extension/layer-reads.js";
import { createUploadStates } from "./client-state/upload-state.js";
import type { Maintenance, SharedState, NameFor } from "./exchange.js";
import type { Console } from "./console.js";
import { API_VERSION } from "./steps/unmatched.js";

/** What the application needs. */
export interface AppDependencies {
  readonly registry: Registry;
  readonly access: AccessController;
  readonly config: ApiConfig;
  /** `http.secret`: signs upload locations. Must be the same in every process that may continue an upload. */
  readonly secret: string;
  /** Who clients are (`http.trustedproxies`). */
  readonly clients: ClientAddresses;
  /** Whether the storage can redirect clients to where its bytes are. */
  readonly canRedirect: boolean;
  readonly log: Log;
  /** Called with every decision of access control. */
  readonly onAccess?: ((outcome: AccessOutcome) => void) | undefined;
  /** Undefined if the registry keeps none. */
  readonly inventory?: Inventory | undefined;
  /** Lists of the files in layers; undefined: none are kept. */
  readonly layerLists?: LayerLists | undefined;
  /** Undefined: there is no page for people. */
  readonly console?: Console | undefined;
  /** Records who pushes and pulls; undefined: nobody does. */
  readonly activity?: ActivityRecorder | undefined;
  /** What happens in all processes; undefined: nobody may watch. */
  readonly feed?: ActivityFeed | undefined;
  /** Which tags a policy keeps as they are, for lists; none by default. The repositories of `registry` refuse to change these. */
  readonly immutable?: ImmutableTags | undefined;
  /** What would become of tags; undefined where nobody knows. */
  readonly retention?: RetentionPlan | undefined;
  /** Undefined: no maintenance can be asked for. */
  readonly maintenance?: Maintenance | undefined;
  /** How the registry does; undefined where nobody knows. */
  readonly status?: StatusSource | undefined;
  /** What the registry runs with, without secrets; undefined where that isn't known. */
  readonly settings?: SharedState["settings"];
  /** Limits for each client; undefined: none. */
  readonly limits?: ClientLimits | undefined;
  /** Called with the rule that refused a request. */
  readonly onLimited?: ((rule: string) => void) | undefined;
  /** Undefined disables event notifications. */
  readonly events?: EventSettings | undefined;
  /** Undefined: repositories have one name. */
  readonly nameFor?: NameFor | undefined;
  /** How long the whole form of a token request may take to arrive (ms): anyone may send one, before they are identified. */
  readonly formTimeout?: number | undefined;
}

/** Bytes of memory for the forms of token requests; one has at most 64 KiB. */
const FORM_MEMORY = 16 * 1024 * 1024;
/** As long as a manifest may take by default (ms). */
const FORM_TIMEOUT = 10_000;

/** Where browsers have sessions, nothing that was pushed is taken for another type than the registry says. */
function noSniffing({ console, config }: AppDependencies): readonly string[] {
  const isConfigured = Object.keys(config.http.headers).some((name) => name.toLowerCase() === "x-content-type-options");
  return console === undefined || isConfigured ? [] : ["X-Content-Type-Options", "nosniff"];
}

/** What all requests of the process share. */
export function createSharedState(dependencies: AppDependencies): SharedState {
  const { registry, access, config, secret, clients, canRedirect, log, onAccess, events, nameFor, feed } = dependencies;
  const { http, storage, activity } = config;
  const { manifestmemory, manifestsize } = http.limits;
  const urls = createUrlBuilder(http, (request) => clients.believes(request));
  return {
    registry,
    nameFor,
    config,
    urls,
    states: createUploadStates(secret),
    log,
    refusedLogins: createRefusedLogins(log),
    manifestBudget: createByteBudget(Math.max(manifestmemory, 2 * manifestsize)),
    formBudget: createByteBudget(FORM_MEMORY),
    formTimeout: dependencies.formTimeout ?? FORM_TIMEOUT,
    baseHeaders: [...API_VERSION, ...flatten(http.headers), ...noSniffing(dependencies)],
    tokens: access.tokens,
    pages: access.pages ?? [],
    layerReads: createLayerReads(),
    site: { urls, clients },
    redirects: canRedirect ? createRedirects(storage.redirect) : undefined,
    cursor: createCatalogCursor(secret),
    listBodies: createListBodies(),
    onAccess,
    inventory: dependencies.inventory,
    layerLists: dependencies.layerLists,
    activity: dependencies.activity,
    access,
    watching: feed === undefined ? undefined : { feed, places: createPlaces(activity.streams) },
    immutable: dependencies.immutable ?? NOTHING_IMMUTABLE,
    retention: dependencies.retention,
    maintenance: dependencies.maintenance,
    settings: dependencies.settings,
    status: dependencies.status,
    limits: dependencies.limits,
    onLimited: dependencies.onLimited,
    observe: events === undefined ? undefined : createObserver(registry, events),
  };
}

/**
 * The configured headers, with names in Go's spelling whatever the file or a variable uses (wire contract §3.2): `x-foo` is
 * sent as `X-Foo`.
 */
function flatten(headers: ApiConfig["http"]["headers"]): string[] {
  const canonical = (name: string): string =>
    name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  return Object.entries(headers).flatMap(([name, values]) => values.flatMap((value) => [canonical(name), value]));
}
