import { key, text } from "@longshore/options/declare";
import { declareKind, type Remark } from "@longshore/options/kind";
import { z } from "zod";
import { canRedirect, type StorageDriver } from "../../contract/driver.js";
import type { MiddlewareKind } from "./kind.js";
import { redirecting } from "./redirecting.js";

/** An optional string of a form; an empty one is the same as none. */
function optionalText(pattern: RegExp, meaning: string, allowed: string) {
  const schema = z.union([z.literal(""), z.string().regex(pattern)]).transform((value) => value || undefined);
  return key(schema.optional(), { meaning, type: "string", allowed });
}

const options = {
  scheme: optionalText(
    /^[a-z][a-z0-9+.-]*$/i,
    "The scheme that takes the place of the storage's own.",
    "a scheme such as https, without ://",
  ),
  host: optionalText(
    /^[^/?#@\s]+$/,
    "The host (and port) that takes the place of the storage's own.",
    "a host such as cdn.example, perhaps with a port",
  ),
  trimpathprefix: text("What is taken off the path's beginning, such as a bucket's name."),
};

interface RewriteOptions {
  readonly scheme?: string | undefined;
  readonly host?: string | undefined;
  readonly trimpathprefix?: string | undefined;
}

/** `rewrite`: edits the addresses that the storage gives out (wire contract §6.7). */
export const rewrite: MiddlewareKind = declareKind({
  name: "rewrite",
  meaning: "The storage's own addresses, edited.",
  options,
  choose: (chosen) => ({
    remarks: Object.values(chosen).some((value) => value !== undefined && value !== "") ? [] : [CHANGES_NOTHING],
    apply: (driver) => Promise.resolve(withRewrite(driver, chosen)),
  }),
});

const CHANGES_NOTHING: Remark = {
  severity: "warning",
  path: [],
  message: "changes nothing without scheme, host or trimpathprefix",
};

/**
 * Edits the redirect URLs of the driver; a driver without any is left as it is. A presigned URL of S3 is signed for its host: the
 * server behind the new host must pass the original one on.
 */
function withRewrite(driver: StorageDriver, options: RewriteOptions): StorageDriver {
  if (!canRedirect(driver)) return driver;
  return redirecting(driver, {
    redirectUrl: async (...call) => {
      const url = await driver.redirectUrl(...call);
      return url === undefined ? undefined : rewritten(url, options);
    },
  });
}

/** The parts are edited as text: the URL class would refuse schemes and drop ports that the operator wants. */
function rewritten(url: string, { scheme, host, trimpathprefix = "" }: RewriteOptions): string {
  const [, oldScheme = "", oldHost = "", path = "", rest = ""] = /^([^:]+):\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? [];
  const trimmed = path.startsWith(trimpathprefix) ? path.slice(trimpathprefix.length) : path;
  const rooted = trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed}`;
  return `${scheme ?? oldScheme}://${host ?? oldHost}${rooted}${rest}`;
}
