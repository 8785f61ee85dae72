/** What a layer says of a path, as far as it hides what is below. */
interface Entry {
  readonly path: string;
  readonly type: string;
  readonly removes?: string | undefined;
}

/** Why a file of a layer isn't in the image: the later layer, by its number, and what it does. */
interface Hiding {
  readonly layer: number;
  readonly how: "removed" | "replaced";
}

/** What later layers hide. Layers are added in their order; of several, the first one counts. */
export interface Hidden {
  add(layer: number, entries: readonly Entry[]): void;
  /** What hides the entry that a layer below has; undefined: it is in the image as far as is known. */
  of(entry: Entry): Hiding | undefined;
}

export function createHidden(): Hidden {
  const removed = new Map<string, number>();
  const emptied = new Map<string, number>();
  const replaced = new Map<string, number>();
  /** Directories of later layers: they replace what is no directory, and merge with one. */
  const directories = new Map<string, number>();

  const note = (map: Map<string, number>, path: string, layer: number): void => {
    if (!map.has(path)) map.set(path, layer);
  };
  return {
    add(layer, entries) {
      for (const { path, type, removes } of entries) {
        if (removes === "path") note(removed, path, layer);
        else if (removes === "contents") note(emptied, path, layer);
        else note(type === "directory" ? directories : replaced, path, layer);
      }
    },
    of({ path, type }) {
      let first: Hiding | undefined;
      const see = (layer: number | undefined, how: Hiding["how"]): void => {
        if (layer !== undefined && (first === undefined || layer < first.layer)) first = { layer, how };
      };
      see(removed.get(path), "removed");
      see(replaced.get(path), "replaced");
      if (type !== "directory") see(directories.get(path), "replaced");
      for (const parent of parentsOf(path)) {
        see(emptied.get(parent), "removed");
        if (parent === "") continue;
        see(removed.get(parent), "removed");
        // A directory that became something else takes with it what was in it.
        see(replaced.get(parent), "removed");
      }
      return first;
    },
  };
}

/** As deep as a tree is followed: hostile paths have thousands of parts. */
const DEEPEST = 256;

/** The folders that a path is in: the root, which is empty, first. */
function parentsOf(path: string): readonly string[] {
  const parents = [""];
  for (let at = path.indexOf("/"); at >= 0 && parents.length < DEEPEST; at = path.indexOf("/", at + 1))
    parents.push(path.slice(0, at));
  return parents;
}
