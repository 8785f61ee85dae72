import { StorageError } from "../../errors.js";

/** The text between two slashes (wire contract §6.1). */
const NAME = /^[A-Za-z0-9._-]+$/;
const PATH = /^(?:\/[A-Za-z0-9._-]+)+$/;
/** `.` and `..` match Distribution's grammar, but would lead out of the root. */
const DOTS = /\/\.{1,2}(?:\/|$)/;

/** Whether a directory's child of this name can be reached by a path. */
export function isReachableName(name: string): boolean {
  return NAME.test(name) && name !== "." && name !== "..";
}

/** Throws INVALID_PATH unless `path` is one that drivers accept; `/` alone only where `root` is allowed. */
export function checkPath(driver: string, path: string, root: "root" | "no-root" = "no-root"): void {
  if (path === "/" && root === "root") return;
  if (!PATH.test(path) || DOTS.test(path)) throw new StorageError({ code: "INVALID_PATH", driver, path });
}

/** The directory that `path` lies in. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
