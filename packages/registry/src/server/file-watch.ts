import { stat } from "node:fs/promises";

/** Tells whether files have changed since they were last looked at. */
export interface FileWatch {
  /** Looks at them now; true the first time that any of them differs from what was seen before. */
  changed(): Promise<boolean>;
}

/**
 * Compares files by inode, size and times, following links: a certificate that is renewed by rename, by writing over it, or
 * by turning a link (as Kubernetes mounts secrets) is seen. Missing files are a state as any other.
 */
export async function watchFiles(paths: readonly string[]): Promise<FileWatch> {
  let seen = await look(paths);
  return {
    async changed() {
      const now = await look(paths);
      if (now === seen) return false;
      seen = now;
      return true;
    },
  };
}

async function look(paths: readonly string[]): Promise<string> {
  const stamps = paths.map(async (path) => {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
    } catch {
      return "missing";
    }
  });
  return (await Promise.all(stamps)).join(" ");
}
