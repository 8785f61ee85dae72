import { canRedirect, type StorageDriver } from "../../contract/driver.js";
import type { RewriteOptions } from "./options.js";
import { redirecting } from "./redirecting.js";

/**
 * Edits the addresses that the driver gives out; one that gives out none is left as it is. A presigned address of S3 is signed
 * for its host: whoever answers for the new one has to pass the old one on.
 */
export function withRewrite(driver: StorageDriver, options: RewriteOptions): StorageDriver {
  if (!canRedirect(driver)) return driver;
  return redirecting(driver, {
    redirectUrl: async (...call) => {
      const url = await driver.redirectUrl(...call);
      return url === undefined ? undefined : rewritten(url, options);
    },
  });
}

/** The parts are taken as text: the URL class would refuse schemes and drop ports that an operator means. */
function rewritten(url: string, { scheme, host, trimPathPrefix = "" }: RewriteOptions): string {
  const [, oldScheme = "", oldHost = "", path = "", rest = ""] = /^([^:]+):\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? [];
  const trimmed = path.startsWith(trimPathPrefix) ? path.slice(trimPathPrefix.length) : path;
  const rooted = trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed}`;
  return `${scheme ?? oldScheme}://${host ?? oldHost}${rooted}${rest}`;
}
