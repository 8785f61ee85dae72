/*
 * Which names, tags and digests there are (distribution-spec §Pulling manifests, OCI image specification, descriptor §Digests): what the
 * registry stores, as `packages/storage/src/model` has it. A test holds both to be the same. None of them has a `.` or `..` between
 * slashes, or a character that means something in a URL or to a shell, so what fits may stand in either.
 */

/** The most characters of a name after a host-like first component, or in total if there is none. */
const MOST_NAME = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*$/;
const HOST = /^[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*(?:\.[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;

/** Whether `text` is the name of a repository. */
export function isRepositoryName(text: string): boolean {
  // First, so that nothing long is split or matched.
  if (text.length > 2 * MOST_NAME + 1) return false;
  const [first = "", ...rest] = text.split("/");
  const isHost = rest.length > 0 && HOST.test(first);
  const counted = isHost ? text.length - first.length - 1 : text.length;
  if (counted > MOST_NAME || first.length > MOST_NAME) return false;
  return (isHost || COMPONENT.test(first)) && rest.every((component) => COMPONENT.test(component));
}

/** Whether `text` is a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether `text` is a digest of an algorithm that the registry knows. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}
