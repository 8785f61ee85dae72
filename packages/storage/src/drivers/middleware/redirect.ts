import { declareKind } from "@longshore/options/kind";
import type { Redirecting, StorageDriver } from "../../contract/driver.js";
import { addressOption } from "./address-option.js";
import type { MiddlewareKind } from "./kind.js";
import { redirecting } from "./redirecting.js";

/** `redirect`: every blob is fetched from below one address, whatever the storage (wire contract §6.7). */
export const redirect: MiddlewareKind = declareKind({
  name: "redirect",
  meaning: "Clients fetch blobs from `baseurl`.",
  options: { baseurl: addressOption("What the address begins with.") },
  choose: ({ baseurl }) => ({ apply: (driver) => Promise.resolve(withRedirect(driver, baseurl)) }),
});

/**
 * Sends clients to `<baseurl><path of the file>`, such as `https://cdn.example/docker/registry/v2/blobs/…/data`: a driver's root
 * directory is no part of it, and of the base nothing but scheme, host and path counts (wire contract §6.7).
 */
function withRedirect(driver: StorageDriver, baseurl: string): StorageDriver & Redirecting {
  const { protocol, host, pathname } = new URL(baseurl);
  const base = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
  return redirecting(driver, { redirectUrl: (path) => Promise.resolve(`${base}${path}`) });
}
