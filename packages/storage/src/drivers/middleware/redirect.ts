import type { Redirecting, StorageDriver } from "../../contract/driver.js";
import type { RedirectOptions } from "./options.js";
import { redirecting } from "./redirecting.js";

/**
 * Sends clients to `<baseurl><path of the file>`, such as `https://cdn.example/docker/registry/v2/blobs/…/data`: a driver's root
 * directory is no part of it, and of the base nothing but scheme, host and path counts (contract §6.7).
 */
export function withRedirect(driver: StorageDriver, { baseUrl }: RedirectOptions): StorageDriver & Redirecting {
  const { protocol, host, pathname } = new URL(baseUrl);
  const base = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
  return redirecting(driver, { redirectUrl: (path) => Promise.resolve(`${base}${path}`) });
}
