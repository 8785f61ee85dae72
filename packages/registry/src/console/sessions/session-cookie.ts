import type { AuthRequest } from "@longshore/auth";

/** The part of a request that says where it was sent. */
type Site = Pick<AuthRequest, "headers" | "baseUrl" | "secure">;

const NAME = "longshore-session";

/** The cookie by which a browser keeps its session: its name, and where the browser sends it. */
interface Cookie {
  readonly name: string;
  readonly path: string;
  readonly secure: boolean;
}

/**
 * `__Host-` (RFC 6265bis §4.1.3.2) where that is possible: only over TLS, for this host alone, and no other host can set it. Registries
 * below different paths of a host have cookies of their own.
 */
function cookieOf({ baseUrl, secure: direct }: Site): Cookie {
  const url = baseUrl !== undefined && URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const secure = direct || url?.protocol === "https:";
  const path = url === undefined || url.pathname === "/" ? "/" : `${url.pathname.replace(/\/+$/, "")}/`;
  const prefix = secure ? (path === "/" ? "__Host-" : "__Secure-") : "";
  return { name: `${prefix}${NAME}`, path, secure };
}

/** `Set-Cookie` with what the browser is to keep for `seconds`; 0 removes it. */
export function setCookie(site: Site, value: string, seconds: number): string {
  const { name, path, secure } = cookieOf(site);
  return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}

/** What the browser keeps; undefined if it keeps nothing, or several: then another host of the same domain may have set one of them. */
export function readCookie(site: Site): string | undefined {
  const header = site.headers["cookie"];
  if (header === undefined) return undefined;
  const start = `${cookieOf(site).name}=`;
  const found = (typeof header === "string" ? header : header.join("; "))
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  const [value = ""] = found.map((pair) => pair.slice(start.length));
  return found.length === 1 && value !== "" ? value : undefined;
}
