import { type Path } from "./yaml/tree.js";

/** Says something about a key; where it stands is looked up by its path. */
export interface Report {
  error(path: Path, message: string): void;
  warning(path: Path, message: string): void;
}
