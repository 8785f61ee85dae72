import { createNetworks } from "./networks.js";

/** Which blob requests are answered with a redirect to where the bytes are. */
export interface RedirectOptions {
  /** For clients that no rule names. */
  readonly enabled: boolean;
  /** The first one that has the client's address decides. */
  readonly clients?: readonly RedirectRule[] | undefined;
}

interface RedirectRule {
  /** Addresses and networks. */
  readonly networks: readonly string[];
  readonly enabled: boolean;
}

/** Whether a client is redirected; one whose address isn't known is as one that no rule names. */
export type Redirects = (address: string | undefined) => boolean;

export function createRedirects({ enabled, clients = [] }: RedirectOptions): Redirects {
  const rules = clients.map((rule) => ({ has: createNetworks(rule.networks), enabled: rule.enabled }));
  return (address) => {
    if (address === undefined) return enabled;
    return rules.find((rule) => rule.has(address))?.enabled ?? enabled;
  };
}

/** Whether anybody is redirected at all. */
export function redirectsAnybody({ enabled, clients = [] }: RedirectOptions): boolean {
  return enabled || clients.some((rule) => rule.enabled);
}
