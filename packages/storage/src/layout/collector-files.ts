import { ROOT } from "./paths.js";

/*
 * The files by which collectors and pushes coordinate (docs/protocols/collection.md §Collecting over object storage).
 * They are all ours: Distribution reads none of them.
 */

const DIRECTORY = `${ROOT}/longshore/collector`;

/** JSON; exists while a collector runs, or after one died. */
export const COLLECTOR_LOCK = `${DIRECTORY}/lock`;

/** Holds what collectors hid and haven't removed yet: a directory for each run, with the same paths as below the root. */
export const HIDDEN_DIRECTORY = `${DIRECTORY}/hidden`;

/** The path at which a collector's run `run` hides the file at `path`. */
export function hiddenPath(run: string, path: string): string {
  return `${HIDDEN_DIRECTORY}/${run}${path.slice(ROOT.length)}`;
}

/** The original path of the file that `run` hid at `hidden`. */
export function placeOfHidden(run: string, hidden: string): string {
  return ROOT + hidden.slice(HIDDEN_DIRECTORY.length + 1 + run.length);
}

/** The empty file whose modification time says when a request last relied on the file at `path`. */
export function leasePath(path: string): string {
  return `${path}.lease`;
}
