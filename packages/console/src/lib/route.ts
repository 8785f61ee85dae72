/** What a manifest is called: a tag or a digest of a repository. */
export interface Reference {
  readonly name: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

const PLACES = ["usage", "activity", "operation", "tokens", "login", "compare"] as const;
type Place = (typeof PLACES)[number];

/** A page of the console. */
export type Page =
  | { readonly kind: "repositories" }
  | { readonly kind: "repository"; readonly name: string }
  | { readonly kind: "image"; readonly reference: Reference }
  | { readonly kind: Place }
  | { readonly kind: "unknown"; readonly path: string };

export interface Route {
  readonly page: Page;
  /** What is chosen on the page: a search, an order, a tab. */
  readonly query: Readonly<Record<string, string>>;
}

/** Reads the part of an address behind `#`. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, "");
  const [path = "", search = ""] = splitOnce(text, "?");
  return { page: parsePage(decode(path)), query: Object.fromEntries(new URLSearchParams(search)) };
}

function parsePage(path: string): Page {
  if (path === "" || path === "/") return { kind: "repositories" };
  const [, first = "", rest = ""] = /^\/([a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const place = PLACES.find((each) => each === first);
  if (place !== undefined && rest === "") return { kind: place };
  if (first !== "r" || rest === "") return { kind: "unknown", path };
  const reference = parseReference(rest);
  return reference.tag === undefined && reference.digest === undefined
    ? { kind: "repository", name: reference.name }
    : { kind: "image", reference };
}

/** Reads `team/app:1.0` or `team/app@sha256:…`: a name has neither `:` nor `@`. */
export function parseReference(text: string): Reference {
  const [name = "", digest] = splitOnce(text, "@");
  if (digest !== undefined) return { name, digest };
  const [bare = "", tag] = splitOnce(text, ":");
  return { name: bare, tag };
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export function formatReference({ name, tag, digest }: Reference): string {
  if (digest !== undefined) return `${name}@${digest}`;
  return tag === undefined ? name : `${name}:${tag}`;
}

/** The address of a page, to follow `#`. */
export function formatRoute(page: Page, query: Readonly<Record<string, string | undefined>> = {}): string {
  const chosen = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  const search = new URLSearchParams(chosen).toString();
  return `#${pathOf(page)}${search === "" ? "" : `?${search}`}`;
}

function pathOf(page: Page): string {
  switch (page.kind) {
    case "repositories":
      return "/";
    case "repository":
      return `/r/${encodeURI(page.name)}`;
    case "image":
      return `/r/${encodeURI(formatReference(page.reference))}`;
    case "unknown":
      return page.path;
    default:
      return `/${page.kind}`;
  }
}
