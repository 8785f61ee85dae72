/*
 * What a collector, or a push that takes its link back, hides before it removes it: `<file>.condemned.<id>` beside its place
 * (docs/architecture.md §Garbage collection while serving). Each hiding has an id of its own.
 */

const INFIX = ".condemned.";

/** Where the file at `path` goes when it is hidden under `id`. */
export function condemnedPath(path: string, id: string): string {
  return `${path}${INFIX}${id}`;
}

/** Those of a directory's `names` that are the file `name`, hidden. */
export function condemnedNames(names: readonly string[], name: string): readonly string[] {
  const prefix = name + INFIX;
  return names.filter((each) => each.startsWith(prefix));
}
