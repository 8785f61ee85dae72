/** A request's target in parts. */
interface TargetParts {
  /** As sent, without the query. */
  readonly path: string;
  /** What follows the `?`. */
  readonly queryText: string;
}

/**
 * Divides a request's target, in origin form or in absolute form (RFC 9112 §3.2); undefined if its host can't be read. A fragment, which
 * no client should send, is left out.
 */
export function splitTarget(target: string): TargetParts | undefined {
  if (target.startsWith("/")) return splitPath(target);
  if (!target.includes("://")) return { path: target, queryText: "" };
  if (!URL.canParse(target)) return undefined;
  return splitPath(target.replace(/^[^:]*:\/\/[^/?#]*/, "").replace(/^(?!\/)/, "/"));
}

function splitPath(target: string): TargetParts {
  const fragment = target.indexOf("#");
  const sent = fragment < 0 ? target : target.slice(0, fragment);
  const query = sent.indexOf("?");
  return query < 0 ? { path: sent, queryText: "" } : { path: sent.slice(0, query), queryText: sent.slice(query + 1) };
}

/**
 * The result of checking a request path. Routes are matched against the percent-decoded path without `.`, `..` and empty
 * segments (wire contract §1.2), so neither a raw nor an encoded traversal gets past this.
 */
export type PathVerdict =
  /** The path is clean. */
  | { readonly kind: "canonical"; readonly path: string }
  /** The client is redirected to the clean path: `location`, encoded. */
  | { readonly kind: "redirect"; readonly location: string }
  /** The percent-encoding is invalid. */
  | { readonly kind: "malformed" };

/** Found only in paths that are encoded or not clean. */
const SUSPECT = /%|\/\/|\/\.\.?(?:\/|$)/;

/** Whether `path` can be matched as it is. */
export function isCanonical(path: string): boolean {
  return !SUSPECT.test(path);
}

/** Decides what to do with `path`, which begins with `/`. */
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

/** The shortest equivalent path; a trailing slash is kept. */
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

/** `path` for a Location header: characters that a path may contain are kept (RFC 3986 §3.3), the rest is encoded. */
export function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}
