import { errnoOf } from "@longshore/base/errno";
import type { Stats } from "node:fs";
import { dirname } from "node:path";
import { parentOf } from "../shared/path.js";
import { isMissing, type FileCalls } from "./calls.js";
import type { Descriptors } from "./descriptors.js";
import type { QuickCalls } from "./quick-calls.js";

/** Creates directories, and makes their entries durable. Paths are those of the driver. */
export interface Directories {
  /** Creates `directory` and its missing parents, not necessarily durably. */
  make(directory: string): Promise<void>;
  /**
   * Makes the entries of `directory` and of all its parents durable. It remembers which are durable, and notices if another
   * process has removed and recreated one.
   */
  anchor(directory: string): Promise<void>;
  /** Makes all changes in `directory` up to now durable. */
  sync(directory: string): Promise<void>;
  /** Forgets what is known about `directory` and everything below it, because it may have been removed or recreated. */
  forget(directory: string): void;
}

interface Known {
  readonly children: Map<string, Known>;
  /** The identity of the directory when its entry was synced; undefined if it isn't known to be durable. */
  durable: string | undefined;
}

interface Syncing {
  readonly now: Promise<void>;
  next: Promise<void> | undefined;
}

/** `limit`: how many directories are remembered as durable. */
export function createDirectories(
  calls: FileCalls,
  descriptors: Descriptors,
  quickCalls: QuickCalls,
  realPath: (path: string) => string,
  limit: number,
): Directories {
  let known: Known = { children: new Map(), durable: undefined };
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

  const remember = (directory: string, identity: string): void => {
    if (count >= limit) {
      known = { children: new Map(), durable: undefined };
      count = 0;
    }
    let node = known;
    for (const name of directory.split("/")) {
      if (name === "") continue;
      let child = node.children.get(name);
      if (child === undefined) {
        child = { children: new Map(), durable: undefined };
        node.children.set(name, child);
        count += 1;
      }
      node = child;
    }
    node.durable = identity;
  };

  const syncReal = async (directory: string): Promise<void> => {
    const opened = quickCalls.openDirectory(directory);
    if (opened !== undefined) {
      return descriptors.holding(() => calls.fsync(opened).finally(() => quickCalls.closeDirectory(opened)));
    }
    const fd = await descriptors.open(directory, "r");
    try {
      await calls.fsync(fd);
    } finally {
      await descriptors.close(fd);
    }
  };

  /** A sync that started before a change doesn't cover it, so callers that arrive meanwhile share the next one. */
  const sync = (directory: string): Promise<void> => {
    const running = syncing.get(directory);
    if (running !== undefined)
      return (running.next ??= running.now.catch(() => undefined).then(() => start(directory)));
    return start(directory);
  };

  const start = (directory: string): Promise<void> => {
    const entry: Syncing = { now: syncReal(realPath(directory)), next: undefined };
    syncing.set(directory, entry);
    const finish = (): void => {
      if (entry.next === undefined && syncing.get(directory) === entry) syncing.delete(directory);
    };
    entry.now.then(finish, finish);
    return entry.now;
  };

  /** The root's entry, up to its mount point: the process that created it may have been killed before it synced. */
  const syncRoot = async (root: Stats): Promise<void> => {
    for (let at = realPath("/"); at !== dirname(at); at = dirname(at)) {
      if ((await calls.stat(dirname(at))).dev !== root.dev) return;
      try {
        await syncReal(dirname(at));
      } catch (error) {
        // If we may not open it, we didn't create anything in it.
        const code = errnoOf(error);
        if (code !== "EACCES" && code !== "EPERM") throw error;
      }
    }
  };

  const statOf = async (directory: string): Promise<Stats> => {
    const quick = quickCalls.of(directory);
    if (quick !== undefined) return quick;
    const stats = await calls.stat(directory);
    quickCalls.note(directory);
    return stats;
  };

  /**
   * Walks up to the first directory that is still the one whose entry was synced: if any above it had been removed since, it
   * would have been removed as well.
   */
  const anchor = async (directory: string): Promise<void> => {
    const unknown: { readonly path: string; readonly stats: Stats }[] = [];
    for (let at = directory; ; at = parentOf(at)) {
      const stats = await statOf(realPath(at));
      if (lookUp(at)?.durable === identityOf(stats)) break;
      unknown.push({ path: at, stats });
      if (at === "/") break;
    }
    await Promise.all(unknown.map(({ path, stats }) => (path === "/" ? syncRoot(stats) : sync(parentOf(path)))));
    for (const { path, stats } of unknown) remember(path, identityOf(stats));
  };

  /** The driver's path of the real directory `made`; the root if that is above it. */
  const below = (made: string): string => {
    const root = realPath("/");
    return made.startsWith(`${root}/`) ? made.slice(root.length) : "/";
  };

  const forget = (directory: string): void => {
    if (directory === "/") {
      known = { children: new Map(), durable: undefined };
      count = 0;
      return;
    }
    const parent = lookUp(parentOf(directory));
    // The count is an upper bound: forgotten descendants still weigh until the next clearance.
    parent?.children.delete(directory.slice(directory.lastIndexOf("/") + 1));
  };

  return {
    anchor,
    sync,
    make: async (directory) => {
      const made = await calls.mkdir(realPath(directory)).catch((error: unknown) => {
        // A parent that was removed meanwhile is created again; if the cause is permanent (a dangling link), it fails again.
        if (!isMissing(error)) throw error;
        return calls.mkdir(realPath(directory));
      });
      if (made !== undefined) forget(below(made));
    },
    forget,
  };
}

/** Distinguishes a directory from a later one at its path, even if the file system reuses the inode number. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}
