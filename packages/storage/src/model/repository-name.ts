import { StorageError } from "../errors.js";

declare const brand: unique symbol;

/** A verified repository name (distribution-spec §Pulling manifests, as wide as the original's router, contract §1.3). */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };

/** Characters that a name may have behind a host-like first component, or in all where there is none (contract §1.3). */
const MAX_LENGTH = 255;

/** Characters that the longest name has: a host-like component, a slash, and as much again. */
export const MAX_REPOSITORY_NAME_LENGTH = 2 * MAX_LENGTH + 1;

/** One path component. Separators and letters are disjoint, so that a match takes linear time. */
const COMPONENT = /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*$/;

/** A host name without a port: what the original lets stand first when another component follows. */
const HOST = /^[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*(?:\.[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*)*$/;

/** What only a port or an IPv6 address needs: the original routes such names, and then can't store them (contract §1.3). */
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
  // First, so that no hostile text is ever split or matched.
  if (text.length > MAX_REPOSITORY_NAME_LENGTH) return TOO_LONG;
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

/** The repository name that `text` spells. Throws NAME_INVALID. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw new StorageError({ code: "NAME_INVALID", name: text, reason: problemOf(text) ?? FORMAT });
}
