/** How paths are spelt as keys: the root directory, without slashes at its ends, and the path behind it (contract §6.4). */
export interface Keys {
  /** The key of a file. */
  of(path: string): string;
  /** What the keys of everything below a directory begin with. */
  below(path: string): string;
  /** The `CopySource` that names a file of `bucket`. */
  copySource(bucket: string, path: string): string;
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
    // A path has nothing that needs an escape, but the root directory may.
    copySource: (bucket, path) => `${bucket}/${of(path).split("/").map(encodeURIComponent).join("/")}`,
  };
}
