import { StorageError } from "../errors.js";

declare const brand: unique symbol;

/** A verified repository name (distribution-spec §Pulling manifests; as permissive as Distribution's router: wire contract §1.3). */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };

/** The most characters of a name after a host-like first component, or in total if there is none (wire contract §1.3). */
const MAX_LENGTH = 255;

/** The length of the longest name: a host-like component, a slash, and as much again. */
export const MAX_REPOSITORY_NAME_LENGTH = 2 * MAX_LENGTH + 1;

/** One path component. Separators and letters are disjoint, so a match takes linear time. */
const COMPONENT = /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*$/;

/** Several of them, as nearly every name is. */
const COMPONENTS = /^[a-z0-9]+(?:(?:__|[._/]|-+)[a-z0-9]+)*$/;

/** A host name without a port, which Distribution allows as the first component when another one follows. */
const HOST = /^[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*(?:\.[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*)*$/;

/** Characters of a port or an IPv6 address: Distribution routes such names, but can't store them (wire contract §1.3). */
const UNSTORABLE = /[[\]:]/;

/** Whether `text` can be a component that isn't the first of several. */
export function isRepositoryComponent(text: string): boolean {
  return text.length <= MAX_LENGTH && COMPONENT.test(text);
}

/** Whether `text` can be the first of several components; upper case is legal there. */
export function isLeadingRepositoryComponent(text: string): boolean {
  return text.length <= MAX_LENGTH && (COMPONENT.test(text) || HOST.test(text));
}

function problemOf(text: string): string | undefined {
  // Checked first, so that no hostile input is split or matched.
  if (text.length > MAX_REPOSITORY_NAME_LENGTH) return TOO_LONG;
  if (text.length <= MAX_LENGTH && COMPONENTS.test(text)) return undefined;
  const slash = text.indexOf("/");
  const first = slash < 0 ? text : text.slice(0, slash);
  const counted = slash >= 0 && HOST.test(first) ? text.length - slash - 1 : text.length;
  if (counted > MAX_LENGTH || first.length > MAX_LENGTH) return TOO_LONG;
  const rest = slash < 0 ? [] : text.slice(slash + 1).split("/");
  const legal = slash < 0 ? isRepositoryComponent(first) : isLeadingRepositoryComponent(first);
  if (legal && rest.every(isRepositoryComponent)) return undefined;
  return UNSTORABLE.test(text) ? "a port or an address can't be part of a stored name" : FORMAT;
}

const TOO_LONG = `repository name must not be more than ${MAX_LENGTH} characters`;
const FORMAT = "components are lower-case letters and digits, separated by one of . _ __ or dashes, and joined by /";

/** Whether `text` is a repository name that can be stored. */
export function isRepositoryName(text: string): text is RepositoryName {
  return problemOf(text) === undefined;
}

/** Parses a repository name. Throws NAME_INVALID. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw new StorageError({ code: "NAME_INVALID", name: text, reason: problemOf(text) ?? FORMAT });
}
