/*
 * A collector, or a push that takes back its link, hides a file before it removes it, as `<file>.condemned.<id>` beside it
 * (docs/protocols/collection.md §Garbage collection while serving). Each hidden file has its own id.
 */

const INFIX = ".condemned.";

/** The path of the file at `path` while it is hidden under `id`. */
export function condemnedPath(path: string, id: string): string {
  return `${path}${INFIX}${id}`;
}

/** Those of a directory's `names` under which the file `name` is hidden. */
export function condemnedNames(names: readonly string[], name: string): readonly string[] {
  const prefix = name + INFIX;
  return names.filter((each) => each.startsWith(prefix));
}
