import { withTimeout } from "@longshore/base/timeout";
import { isAuthError, sourceOf, type Access, type Grant } from "@longshore/auth";
import type { ActivityEntry, ActivityFeed, FeedEnd } from "../../../activity/feed.js";
import { shownTo, type ActivityEvent, type Viewer } from "../../../activity/event.js";
import { ApiError } from "../../../errors/api-error.js";
import { HttpAuthRequest } from "../../access/auth-request.js";
import { grantList, isTooLittle } from "../../access/grant-list.js";
import type { Exchange } from "../../exchange.js";
import { isClosed } from "../../response/client-gone.js";
import { EventStream } from "../../response/event-stream.js";
import { CATALOG_ACCESS, MAINTENANCE_ACCESS } from "../../route.js";

const [MAINTENANCE] = MAINTENANCE_ACCESS;

/** How often a viewer's rights are looked at again (ms): a log-out or a right that ends, ends the stream that soon. */
const RECHECK = 5000;
/** How long that may take (ms). */
const PATIENCE = 10_000;
/** How often something is sent at least (ms), well within what proxies wait. */
const BEAT = 15_000;
/** How long a client waits before it comes back (ms). */
const RETRY = 3000;
/** When to try again where all places are taken (s). */
const RETRY_AFTER = "30";
/** The most events that wait for the decision whether they are shown. */
const MOST_WAITING = 1000;

const HEADERS = [
  "Content-Type",
  "text/event-stream",
  "Cache-Control",
  "no-store",
  // nginx would collect what is sent.
  "X-Accel-Buffering",
  "no",
];

/** `GET /v2/_longshore/catalog/activity`. */
export async function watchActivity(exchange: Exchange): Promise<void> {
  const { watching, site } = exchange.shared;
  if (watching === undefined) {
    throw new ApiError("UNSUPPORTED", { detail: "nothing is collected: activity.enabled turns it on" });
  }
  if (exchange.isHead) return void exchange.end(200, HEADERS);
  const { account = "" } = exchange.grant;
  const place = watching.places.take(account === "" ? `@${sourceOf(site.clients.of(exchange.request))}` : account);
  if (place === undefined) {
    const detail = "too many viewers watch already; close some, or raise activity.streams";
    throw new ApiError("TOOMANYREQUESTS", { detail, headers: { "Retry-After": RETRY_AFTER } });
  }
  try {
    const viewer = await viewerOf(exchange, exchange.grant);
    exchange.stream(200, HEADERS);
    await new Watch(exchange, viewer).run(watching.feed);
  } finally {
    place();
  }
}

/** What a viewer may see, as it was decided last. */
interface Rights extends Viewer {
  mayPull(name: string): boolean | Promise<boolean>;
}

async function viewerOf(exchange: Exchange, grant: Grant): Promise<Rights> {
  const { account, unrestricted, allows } = grant;
  // Without access control everybody may do everything; who does what is still nobody's business.
  if (unrestricted) return { account, isAdministrator: account !== undefined && account !== "", mayPull: () => true };
  const may = (access: Access): boolean | Promise<boolean> => allows?.(access) ?? mayToo(exchange, access);
  const isAdministrator = await may(MAINTENANCE);
  const known = new Map<string, boolean | Promise<boolean>>();
  return {
    account,
    isAdministrator,
    mayPull(name) {
      const answer = known.get(name) ?? may({ type: "repository", name, action: "pull" });
      if (known.size < MOST_WAITING) known.set(name, answer);
      return answer;
    },
  };
}

/** Whether the same credentials would be enough for `access`, where nothing else says so: a token of another server lists its scopes. */
async function mayToo(exchange: Exchange, access: Access): Promise<boolean> {
  const { shared, request } = exchange;
  try {
    await shared.access.authorize(new HttpAuthRequest(request, shared.site), [access], exchange);
    return true;
  } catch (error) {
    if (isTooLittle(error)) return false;
    throw error;
  }
}

/** Why a stream ends, beside the reasons of the feed: rights or a login that ended, or nobody can say whether they did. */
type End = FeedEnd | "access" | "unavailable";

/** One viewer's stream. */
class Watch {
  readonly #exchange: Exchange;
  readonly #stream: EventStream;
  readonly #waiting: ActivityEntry[] = [];
  readonly #over: Promise<void>;
  #rights: Rights;
  #isShowing = false;
  #isChecking = false;
  #settle: () => void = () => undefined;

  constructor(exchange: Exchange, rights: Rights) {
    this.#exchange = exchange;
    this.#stream = new EventStream(exchange.response);
    this.#rights = rights;
    this.#over = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Resolves when the stream has ended, whoever ended it. */
  async run(feed: ActivityFeed): Promise<void> {
    const { response } = this.#exchange;
    response.once("close", () => this.#settle());
    if (isClosed(response)) return;
    response.write(`retry: ${RETRY}\n\n`);
    const leave = feed.follow(
      {
        entries: (entries) => this.#take(entries),
        missed: () => this.#stream.missed(),
        ended: (reason) => this.#end(reason),
      },
      this.#exchange.header("last-event-id"),
    );
    const beat = setInterval(() => this.#stream.beat(this.#isShowing ? undefined : feed.latest), BEAT);
    const check = setInterval(() => void this.#check(), RECHECK);
    try {
      await this.#over;
    } finally {
      clearInterval(beat);
      clearInterval(check);
      leave();
    }
  }

  #end(reason: End): void {
    this.#waiting.length = 0;
    this.#stream.end(reason);
    this.#settle();
  }

  #take(entries: readonly ActivityEntry[]): void {
    if (this.#waiting.length + entries.length > MOST_WAITING) this.#stream.missed();
    else this.#waiting.push(...entries);
    if (!this.#isShowing) void this.#show();
  }

  /** One at a time, because they have an order. */
  async #show(): Promise<void> {
    this.#isShowing = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const { id, event } = next;
        const shown = await this.#shown(event);
        if (shown !== undefined) this.#stream.send({ name: "activity", id, data: shown });
      }
    } catch (error) {
      this.#end(endOf(error));
    } finally {
      this.#isShowing = false;
    }
  }

  async #shown(event: ActivityEvent): Promise<ActivityEvent | undefined> {
    const rights = this.#rights;
    const { repository, from } = event;
    if (repository !== undefined && !(await rights.mayPull(repository))) return undefined;
    return shownTo(rights, event, from !== undefined && (await rights.mayPull(from)));
  }

  /** Ends the stream if the viewer wouldn't get it any more, and otherwise shows what they may see now. */
  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const rights = await withTimeout(this.#rightsNow(), PATIENCE, () => undefined);
      if (rights === undefined) this.#end("unavailable");
      else if (rights.account !== this.#rights.account) this.#end("access");
      else this.#rights = rights;
    } catch (error) {
      this.#end(endOf(error));
    } finally {
      this.#isChecking = false;
    }
  }

  async #rightsNow(): Promise<Rights> {
    const exchange = this.#exchange;
    return viewerOf(exchange, await grantList(exchange.shared.access, exchange, CATALOG_ACCESS));
  }
}

function endOf(error: unknown): End {
  return isAuthError(error) && error.fault.code !== "UNAVAILABLE" ? "access" : "unavailable";
}
