import type { PageRequest } from "@longshore/auth";

/** `__Host-`: only over TLS, for this host alone, and no other host can set it (RFC 6265bis §4.1.3.2). */
function nameOf(secure: boolean): string {
  return secure ? "__Host-longshore-login" : "longshore-login";
}

/** Whether clients reach this registry over TLS, if only at a proxy. */
function isSecure({ baseUrl, secure }: PageRequest): boolean {
  return secure || baseUrl?.startsWith("https://") === true;
}

/**
 * The `Set-Cookie` that binds a login to the browser which began it. `Lax`: the provider sends the browser back by a link, with which
 * `Strict` wouldn't go. `seconds` 0 removes it.
 */
export function setCookie(request: PageRequest, value: string, seconds: number): string {
  const secure = isSecure(request);
  return `${nameOf(secure)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}

/** The cookie's value; undefined if the browser has none. */
export function readCookie(request: PageRequest): string | undefined {
  const header = request.headers["cookie"];
  const text = typeof header === "string" ? header : (header ?? []).join("; ");
  const start = `${nameOf(isSecure(request))}=`;
  const found = text.split(";").find((pair) => pair.trim().startsWith(start));
  return found?.trim().slice(start.length);
}
