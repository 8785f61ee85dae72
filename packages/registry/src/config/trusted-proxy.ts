import { isNetwork } from "@longshore/base/network";

/** Whether `text` names a proxy that `http.trustedproxies` accepts: an address, a network, or `unix`. */
export function isTrustedProxy(text: string): boolean {
  return text === "unix" || isNetwork(text);
}
