/** Converts paths to keys: the root directory without leading and trailing slashes, then the path (wire contract §6.4). */
export interface Keys {
  /** The key of a file. */
  readonly of: (path: string) => string;
  /** The prefix of all keys below a directory. */
  readonly below: (path: string) => string;
}

/** The keys of paths below `rootDirectory`. */
export function createKeys(rootDirectory: string): Keys {
  const of = (path: string): string => (rootDirectory === "" ? path.slice(1) : rootDirectory + path);
  return {
    of,
    below: (path) => {
      if (path !== "/") return `${of(path)}/`;
      return rootDirectory === "" ? "" : `${rootDirectory}/`;
    },
  };
}
