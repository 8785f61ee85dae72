import { createNetworks } from "@longshore/base/network";
import type { Config } from "../../config/config.js";

/** Whether a client is redirected to the storage; a client with an unknown address is treated as one that no rule names. */
export type Redirects = (address: string | undefined) => boolean;

/** `storage.redirect`: the first rule with the client's address decides. Undefined if it redirects no client at all. */
export function createRedirects({ disable, clients }: Config["storage"]["redirect"]): Redirects | undefined {
  if (disable && clients.every((rule) => rule.disable)) return undefined;
  const rules = clients.map((rule) => ({ has: createNetworks(rule.networks), disable: rule.disable }));
  return (address) => {
    if (address === undefined) return !disable;
    return !(rules.find((rule) => rule.has(address))?.disable ?? disable);
  };
}
