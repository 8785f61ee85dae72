import type { Access, AccessController, Grant } from "@longshore/auth";
import { PAGE_HEADER } from "../cors/policy.js";
import { recordOf } from "../../observability/request-record.js";
import { HttpAuthRequest } from "../access/auth-request.js";
import { isToBeShown } from "../access/to-be-shown.js";
import { grantList, isTooLittle } from "../access/grant-list.js";
import type { MatchedStep } from "../context.js";
import type { Exchange } from "../exchange.js";
import { sourceAccess } from "../route.js";

/**
 * Passes on requests whose user may do everything the route requires, and sets the grant on the exchange. Throws AuthError.
 */
export function authorize(access: AccessController): MatchedStep {
  return (next) => (matched) => {
    const { route, exchange } = matched;
    if (route.accesses === "own") return next(matched);
    const goOn = (grant: Grant): Promise<void> | undefined => {
      exchange.grant = grant;
      noteGrant(exchange);
      return next(matched);
    };
    const { shared, request, name } = exchange;
    const method = request.method ?? "";
    const from = exchange.parameter("from");
    if (from !== undefined && method === "POST" && route.mounts) {
      const accesses = route.accesses(method, name, undefined);
      return authorizeMount(access, exchange, accesses, sourceAccess(from)).then(goOn);
    }
    const accesses = route.accesses(method, name, from);
    if (route.filtered && exchange.header(PAGE_HEADER) !== undefined) {
      return grantList(access, exchange, accesses).then(goOn);
    }
    const grant = access.authorize(new HttpAuthRequest(request, shared.site), accesses, exchange);
    return grant instanceof Promise ? grant.then(goOn) : goOn(grant);
  };
}

/** Whatever a page of this host is given, it must not run there, nor in a tab that shows it. */
const INERT = ["Content-Security-Policy", "sandbox; default-src 'none'"];

/** Records who was allowed what. */
function noteGrant(exchange: Exchange): void {
  const { shared, request, grant, refusedSource } = exchange;
  if (grant.toPage === true || isToBeShown(request)) exchange.note(INERT);
  const { account, decided } = grant;
  const record = recordOf(request);
  if (record !== undefined) {
    record.user = account;
    const mountRefused = refusedSource === undefined ? undefined : true;
    record.access = { outcome: "allowed", account, mountRefused, ...decided };
  }
  shared.onAccess?.("allowed");
}

/**
 * Authorises a request that needs all of `accesses`, and `source` only to mount: a blob that can't be mounted is uploaded
 * (distribution-spec §Mounting a blob). Then nothing is looked up in the source, so that neither the answer nor its timing
 * reveals whether it exists. If the same identity would get a token for the source, the request is refused as usual, since
 * clients widen their token on a 401. Throws AuthError.
 */
async function authorizeMount(
  access: AccessController,
  exchange: Exchange,
  accesses: readonly Access[],
  source: Access,
): Promise<Grant> {
  const request = new HttpAuthRequest(exchange.request, exchange.shared.site);
  try {
    return await access.authorize(request, [...accesses, source], exchange);
  } catch (error) {
    if (!isTooLittle(error)) throw error;
    let grant: Grant;
    try {
      grant = await access.authorize(request, accesses, exchange);
    } catch (second) {
      // The first refusal asks for everything at once.
      throw isTooLittle(second) ? error : second;
    }
    if (grant.allows?.(source) === true) throw error;
    const { fault } = error;
    exchange.refusedSource = { challenge: fault.code === "UNAUTHENTICATED" ? fault.challenge : undefined };
    return grant;
  }
}
