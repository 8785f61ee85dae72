import { isDigest, isRepositoryName, isTag } from "./grammar.js";

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

/** Reads the part of an address behind `#`. Anybody can make such a link: what names nothing is the unknown page. */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, "");
  const [path = "", search = ""] = splitOnce(text, "?");
  const query = Object.fromEntries(new URLSearchParams(search));
  const page = parsePage(decode(path));
  return { page: page.kind === "compare" && !isComparison(query) ? { kind: "unknown", path } : page, query };
}

/** Whether what is compared, as far as it is chosen, are references. */
function isComparison({ left = "", right = "" }: Readonly<Record<string, string>>): boolean {
  return [left, right].every((each) => each === "" || parseReference(each) !== undefined);
}

function parsePage(path: string): Page {
  if (path === "" || path === "/") return { kind: "repositories" };
  const [, first = "", rest = ""] = /^\/([a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const place = PLACES.find((each) => each === first);
  if (place !== undefined && rest === "") return { kind: place };
  if (first !== "r" || rest === "") return { kind: "unknown", path };
  const reference = parseReference(rest);
  if (reference === undefined) return { kind: "unknown", path };
  return reference.tag === undefined && reference.digest === undefined
    ? { kind: "repository", name: reference.name }
    : { kind: "image", reference };
}

/** Reads `team/app`, `team/app:1.0` or `team/app@sha256:…`: a name has neither `:` nor `@`. Undefined if it is none of them. */
export function parseReference(text: string): Reference | undefined {
  const [name = "", digest] = splitOnce(text, "@");
  const [bare = "", tag] = splitOnce(text, ":");
  const reference = digest === undefined ? { name: bare, tag } : { name, digest };
  return isReference(reference) ? reference : undefined;
}

/** Whether its parts are what they are called. */
export function isReference({ name, tag, digest }: Reference): boolean {
  return isRepositoryName(name) && (tag === undefined || isTag(tag)) && (digest === undefined || isDigest(digest));
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
