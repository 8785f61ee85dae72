import { ROOT } from "./paths.js";

/*
 * What collectors and pushes tell each other by, over object storage (docs/architecture.md §Collecting over object storage).
 * All of it is ours: the original reads nothing of it.
 */

const DIRECTORY = `${ROOT}/longshore/collector`;

/** Says that a collector works, or died: JSON. */
export const COLLECTOR_LOCK = `${DIRECTORY}/lock`;

/** Below it, what collectors hid and haven't removed: a directory for each run, with the same paths as below the root. */
export const HIDDEN_DIRECTORY = `${DIRECTORY}/hidden`;

/** Where the run `run` of a collector hides the file at `path`. */
export function hiddenPath(run: string, path: string): string {
  return `${HIDDEN_DIRECTORY}/${run}${path.slice(ROOT.length)}`;
}

/** Where a file that `run` hid, at `hidden`, belongs. */
export function placeOfHidden(run: string, hidden: string): string {
  return ROOT + hidden.slice(HIDDEN_DIRECTORY.length + 1 + run.length);
}

/** The empty file whose time of change says when somebody last relied on the file at `path`. */
export function leasePath(path: string): string {
  return `${path}.lease`;
}
