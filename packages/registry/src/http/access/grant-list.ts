import { isAuthError, type Access, type AccessController, type AuthError, type Grant } from "@longshore/auth";
import type { Exchange } from "../exchange.js";
import { HttpAuthRequest } from "./auth-request.js";

/** Authorises a list that a page shows: of all, or only of what the client may pull, if that can be told. Throws AuthError. */
export async function grantList(
  access: AccessController,
  exchange: Exchange,
  accesses: readonly Access[],
): Promise<Grant> {
  const request = new HttpAuthRequest(exchange.request, exchange.shared.site);
  try {
    return await access.authorize(request, accesses, exchange);
  } catch (error) {
    if (!isTooLittle(error)) throw error;
    const grant = await access.authorize(request, [], exchange);
    if (grant.toPage !== true || grant.allows === undefined) throw error;
    return grant;
  }
}

/** Whether credentials are missing or insufficient; wrong ones are refused whatever they are for. */
export function isTooLittle(error: unknown): error is AuthError {
  if (!isAuthError(error)) return false;
  const { fault } = error;
  return fault.code === "DENIED" || (fault.code === "UNAUTHENTICATED" && fault.refusal !== "rejected");
}
