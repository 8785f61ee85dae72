import { parentOf } from "../path.js";
import { isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";

/** Makes directories, and makes their entries durable. Paths are the driver's. */
export interface Directories {
  /** Makes `directory` and its parents where missing; durable or not. */
  make(directory: string): Promise<void>;
  /** Makes the entries of `directory` and of all its parents durable; remembers which are. */
  anchor(directory: string): Promise<void>;
  /** Makes what happened in `directory` until now durable. */
  sync(directory: string): Promise<void>;
  /** Forgets what is known of `directory` and all below it: it may be gone, or may be made anew. */
  forget(directory: string): void;
}

interface Known {
  readonly children: Map<string, Known>;
  durable: boolean;
}

interface Syncing {
  readonly now: Promise<void>;
  next: Promise<void> | undefined;
}

/** `limit`: how many directories are remembered as durable. */
export function createDirectories(
  calls: FileCalls,
  descriptors: Descriptors,
  realPath: (path: string) => string,
  limit: number,
): Directories {
  let known: Known = { children: new Map(), durable: true };
  let count = 0;
  const syncing = new Map<string, Syncing>();

  const lookUp = (directory: string): Known | undefined => {
    let node: Known | undefined = known;
    for (const name of directory.split("/")) {
      if (name === "") continue;
      node = node.children.get(name);
      if (node === undefined) return undefined;
    }
    return node;
  };

  const remember = (directory: string): void => {
    if (count >= limit) {
      known = { children: new Map(), durable: true };
      count = 0;
    }
    let node = known;
    for (const name of directory.split("/")) {
      if (name === "") continue;
      let child = node.children.get(name);
      if (child === undefined) {
        child = { children: new Map(), durable: false };
        node.children.set(name, child);
        count += 1;
      }
      node = child;
    }
    node.durable = true;
  };

  const syncNow = async (directory: string): Promise<void> => {
    const fd = await descriptors.open(realPath(directory), "r");
    try {
      await calls.fsync(fd);
    } finally {
      await descriptors.close(fd);
    }
  };

  /** A sync that began before a change doesn't cover it: whoever comes in the meantime shares the one that follows. */
  const sync = (directory: string): Promise<void> => {
    const running = syncing.get(directory);
    if (running !== undefined)
      return (running.next ??= running.now.catch(() => undefined).then(() => start(directory)));
    return start(directory);
  };

  const start = (directory: string): Promise<void> => {
    const entry: Syncing = { now: syncNow(directory), next: undefined };
    syncing.set(directory, entry);
    const finish = (): void => {
      if (entry.next === undefined && syncing.get(directory) === entry) syncing.delete(directory);
    };
    entry.now.then(finish, finish);
    return entry.now;
  };

  const anchor = async (directory: string): Promise<void> => {
    const unknown: string[] = [];
    for (let at = directory; at !== "/" && lookUp(at)?.durable !== true; at = parentOf(at)) unknown.push(at);
    if (unknown.length === 0) return;
    await Promise.all(unknown.map((path) => sync(parentOf(path))));
    for (const path of unknown) remember(path);
  };

  return {
    anchor,
    sync,
    make: async (directory) => {
      try {
        await calls.mkdir(realPath(directory));
      } catch (error) {
        // A parent that was removed in between is made again; what is truly missing (a dangling link) fails once more.
        if (!isMissing(error)) throw error;
        await calls.mkdir(realPath(directory));
      }
    },
    forget: (directory) => {
      const parent = lookUp(parentOf(directory));
      // The count is an upper bound: forgotten descendants still weigh until the next clearance.
      parent?.children.delete(directory.slice(directory.lastIndexOf("/") + 1));
    },
  };
}
