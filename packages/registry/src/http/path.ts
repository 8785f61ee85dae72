/**
 * A request path as routes are matched against it: percent-decoded, and without `.`, `..` and empty segments (contract
 * §1.2). Neither a raw nor an encoded traversal gets any further than this.
 */
export type PathVerdict =
  /** As it should be. */
  | { readonly kind: "canonical"; readonly path: string }
  /** Clients are sent to the clean spelling: `location`, encoded. */
  | { readonly kind: "redirect"; readonly location: string }
  /** Not percent-encoded properly. */
  | { readonly kind: "malformed" };

/** What only an unclean or an encoded path has. */
const SUSPECT = /%|\/\/|\/\.\.?(?:\/|$)/;

/** Whether `path` can be matched as it stands. */
export function isCanonical(path: string): boolean {
  return !SUSPECT.test(path);
}

/** What is to be done with `path`, which begins with `/`. */
export function inspectPath(path: string): PathVerdict {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return { kind: "malformed" };
  }
  const clean = cleanPath(decoded);
  return clean === decoded ? { kind: "canonical", path: decoded } : { kind: "redirect", location: encodePath(clean) };
}

/** The shortest path that means the same; a trailing slash is kept. */
function cleanPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(segment);
  }
  const clean = `/${segments.join("/")}`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/** `path` for a Location header: what a path may hold stays (RFC 3986 §3.3), the rest is encoded. */
export function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
