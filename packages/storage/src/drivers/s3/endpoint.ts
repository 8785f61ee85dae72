import { isIP } from "node:net";
import { wrong } from "./parameter-values.js";

/** A service's address, and how it takes a bucket's name. */
export interface Endpoint {
  /** With a scheme. */
  readonly url: string;
  readonly pathStyle: boolean;
}

/** Services that want the bucket in the host's name; some refuse it in the path. */
const VIRTUAL_HOST_SERVICES = ["amazonaws.com", "amazonaws.com.cn", "aliyuncs.com", "myqcloud.com", "volces.com"];

/** Whether `host` is Amazon's. */
export function isAmazon(host: string): boolean {
  return isBelow(host, "amazonaws.com") || isBelow(host, "amazonaws.com.cn");
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/**
 * The service at `regionendpoint`, a URL or a host with or without a port.
 *
 * The bucket's place where `forcepathstyle` isn't said: `registry:2` puts it in the path of every endpoint, `registry:3` in the
 * host's name. Either's configuration is to work unchanged, so the path is used except for services that are known to want
 * the other: nearly all others (MinIO, Ceph, Garage …) take the path, and few have the DNS entries that a host's name needs.
 */
export function parseEndpoint(given: string, secure: boolean, forcePathStyle: boolean | undefined): Endpoint {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `${secure ? "https" : "http"}://${given}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") {
    throw wrong(
      "regionendpoint",
      "the regionendpoint parameter should be a URL or a host, such as https://s3.example.com",
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw wrong("regionendpoint", "the regionendpoint parameter should have no user, query or fragment");
  }
  const address = `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  return { url: address, pathStyle: forcePathStyle ?? !wantsVirtualHost(url.hostname) };
}

function wantsVirtualHost(host: string): boolean {
  return isIP(host) === 0 && VIRTUAL_HOST_SERVICES.some((domain) => isBelow(host, domain));
}
