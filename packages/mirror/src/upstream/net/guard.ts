import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { classOf, type AddressClass } from "./address-class.js";
import type { Networks } from "@longshore/base/network";

/** A connection that would have left what an upstream may lead to. */
export class ForbiddenAddressError extends Error {
  override readonly name = "ForbiddenAddressError";
}

/** Which addresses an upstream may lead us to. */
export interface AddressGuard {
  /** Throws {@link ForbiddenAddressError} where the host is an address that is forbidden; a name is checked by `lookup`. */
  checkHost(hostname: string): void;
  /**
   * Resolves names for `net.connect`, and fails where any address is forbidden. The connection is made to the very addresses that were
   * checked: a name that resolves differently a moment later changes nothing.
   */
  readonly lookup: LookupFunction;
}

/** What {@link createAddressGuard} needs to know. */
export interface GuardOptions {
  /** Where the upstream itself is: what is of the same class may be reached. Asked for each check. */
  readonly ownClasses: () => ReadonlySet<AddressClass>;
  /** Networks that the configuration allows. */
  readonly allowed: Networks;
  readonly lookup?: typeof systemLookup | undefined;
}

/** A guard for connections that an upstream, and not the configuration, has chosen. */
export function createAddressGuard({ ownClasses, allowed, lookup = systemLookup }: GuardOptions): AddressGuard {
  const check = (address: string, host: string): void => {
    const found = classOf(address);
    if (found === "public" || ownClasses().has(found) || allowed(address)) return;
    throw new ForbiddenAddressError(refusalOf(host, found));
  };
  return {
    checkHost(hostname) {
      const host = hostname.replace(/^\[|\]$/g, "");
      if (isIP(host) !== 0) check(host, host);
    },
    lookup(hostname, options, callback) {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) {
          callback(error, "", 0);
          return;
        }
        try {
          for (const { address } of addresses) check(address, hostname);
        } catch (refusal) {
          callback(refusal instanceof Error ? refusal : new Error("refused"), "", 0);
          return;
        }
        giveAddresses(addresses, options, callback);
      });
    },
  };
}

/** What {@link createOwnLookup} needs. */
export interface OwnLookupOptions {
  /** Where the upstream has been found so far; added to. */
  readonly classes: Set<AddressClass>;
  /** Networks that the configuration allows. */
  readonly allowed: Networks;
  readonly lookup: typeof systemLookup;
}

/**
 * Resolves the upstream's own name, and notes where it is: it may lead to its own surroundings. A name that has, or had, a public
 * address has no others: those who answer for it could point it into our network a moment later. No name is at the address where
 * a cloud hands out credentials.
 */
export function createOwnLookup({ classes, allowed, lookup }: OwnLookupOptions): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const isPublic = classes.has("public") || addresses.some(({ address }) => classOf(address) === "public");
      const usable = addresses.filter(({ address }) => {
        const found = classOf(address);
        return allowed(address) || (isPublic ? found === "public" : found !== "metadata");
      });
      const [refused] = addresses;
      if (usable.length === 0 && refused !== undefined) {
        callback(new ForbiddenAddressError(refusalOf(hostname, classOf(refused.address))), "", 0);
        return;
      }
      for (const { address } of usable) classes.add(classOf(address));
      giveAddresses(usable, options, callback);
    });
  };
}

function refusalOf(host: string, found: AddressClass): string {
  return `the upstream leads to ${host}, which is ${ARTICLES[found]} address; list its network in redirects.networks to allow it`;
}

const ARTICLES: Readonly<Record<AddressClass, string>> = {
  public: "a public",
  private: "a private",
  loopback: "a loopback",
  "link-local": "a link-local",
  metadata: "a cloud's metadata",
  reserved: "a reserved",
};

/** `net.connect` asks for one address or for all, depending on its version and options. */
function giveAddresses(
  addresses: readonly LookupAddress[],
  { all }: LookupOptions,
  callback: Parameters<LookupFunction>[2],
): void {
  const [first] = addresses;
  if (all === true) callback(null, [...addresses]);
  else if (first === undefined) callback(new Error("the name has no address"), "", 0);
  else callback(null, first.address, first.family);
}
