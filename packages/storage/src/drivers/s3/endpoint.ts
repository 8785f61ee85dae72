import { isIP } from "node:net";

/** The URL of a service, and where the bucket's name belongs. */
export interface Endpoint {
  /** With a scheme. */
  readonly url: string;
  readonly pathStyle: boolean;
}

/** Services that require the bucket in the host name; some of them refuse it in the path. */
const VIRTUAL_HOST_SERVICES = ["amazonaws.com", "amazonaws.com.cn", "aliyuncs.com", "myqcloud.com", "volces.com"];

/** Whether `host` is Amazon's. */
export function isAmazon(host: string): boolean {
  return isBelow(host, "amazonaws.com") || isBelow(host, "amazonaws.com.cn");
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/**
 * Parses `regionendpoint`, a URL or a host with or without a port; returns a string that says what is wrong with it.
 *
 * If `forcepathstyle` isn't given, `registry:2` puts the bucket in the path for every endpoint, and `registry:3` in the host name.
 * Configurations of both must work unchanged, so the path is used except for services that are known to require the host name:
 * nearly all others (MinIO, Ceph, Garage …) accept the path, and few have the DNS entries that the host name needs.
 */
export function parseEndpoint(given: string, secure: boolean, forcePathStyle: boolean | undefined): Endpoint | string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `${secure ? "https" : "http"}://${given}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") {
    return "the regionendpoint parameter should be a URL or a host, such as https://s3.example.com";
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return "the regionendpoint parameter should have no user, query or fragment";
  }
  const address = `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  return { url: address, pathStyle: forcePathStyle ?? !wantsVirtualHost(url.hostname) };
}

function wantsVirtualHost(host: string): boolean {
  return isIP(host) === 0 && VIRTUAL_HOST_SERVICES.some((domain) => isBelow(host, domain));
}
