import { dirname } from "node:path";
import { nodeCalls, type FileCalls } from "../../src/drivers/filesystem/calls.js";

/** A directory or file, independent of its current name. */
type Inode = number;

/** A name in a directory, and its new target. */
interface EntryChange {
  readonly directory: Inode;
  readonly name: string;
  readonly to: Inode | undefined;
}

/** One step that a file system took, in the order of the answers. */
export type Step =
  /** Names change, all or none. `inodes` are those created, moved or removed. */
  | {
      readonly kind: "names";
      readonly changes: readonly EntryChange[];
      readonly inodes: readonly Inode[];
      readonly text: string;
    }
  /** A file's new content. */
  | { readonly kind: "content"; readonly file: Inode; readonly bytes: Buffer }
  /** The effects of the first `covers` steps on this directory or file are on the disk. */
  | { readonly kind: "sync"; readonly inode: Inode; readonly covers: number }
  /** A marker for the test. */
  | { readonly kind: "mark"; readonly mark: () => void };

/** The directory that contains everything; it existed before. */
export const TOP: Inode = 0;

/** Records the calls to file systems. */
export interface Recorder {
  readonly calls: FileCalls;
  readonly steps: readonly Step[];
  readonly directories: ReadonlySet<Inode>;
  mark(mark: () => void): void;
}

/** Records what is done below `top`, by any number of drivers over `calls`. */
export function createRecorder(top: string): Recorder {
  const real = nodeCalls();
  const steps: Step[] = [];
  const entries = new Map<Inode, Map<string, Inode>>([[TOP, new Map()]]);
  const directories = new Set<Inode>([TOP]);
  const contents = new Map<Inode, Buffer>();
  const open = new Map<number, Inode>();
  let last = TOP;

  const find = (path: string): Inode | undefined => {
    let at: Inode | undefined = TOP;
    for (const name of path.slice(top.length).split("/")) {
      if (name !== "" && at !== undefined) at = entries.get(at)?.get(name);
    }
    return at;
  };
  const place = (path: string): { directory: Inode; name: string } => {
    const directory = find(dirname(path));
    if (directory === undefined) throw new Error(`nobody made ${dirname(path)}`);
    return { directory, name: path.slice(path.lastIndexOf("/") + 1) };
  };
  const change = (text: string, inodes: readonly Inode[], ...changes: readonly EntryChange[]): void => {
    for (const { directory, name, to } of changes) {
      if (to === undefined) entries.get(directory)?.delete(name);
      else entries.get(directory)?.set(name, to);
    }
    steps.push({ kind: "names", changes, inodes, text });
  };
  const make = (path: string, isDirectory: boolean): Inode => {
    last += 1;
    if (isDirectory) {
      directories.add(last);
      entries.set(last, new Map());
    } else contents.set(last, Buffer.alloc(0));
    change(`make ${path.slice(top.length)}`, [last], { ...place(path), to: last });
    return last;
  };
  const setContent = (file: Inode, bytes: Buffer): void => {
    contents.set(file, bytes);
    steps.push({ kind: "content", file, bytes });
  };
  const remove = (path: string): void => {
    const inode = find(path);
    if (inode !== undefined) change(`remove ${path.slice(top.length)}`, [inode], { ...place(path), to: undefined });
  };
  const contentOf = (fd: number): { file: Inode; bytes: Buffer } | undefined => {
    const file = open.get(fd);
    const bytes = file === undefined ? undefined : contents.get(file);
    return file === undefined || bytes === undefined ? undefined : { file, bytes };
  };
  const synced = async (fd: number, sync: () => Promise<void>): Promise<void> => {
    const covers = steps.length;
    await sync();
    const inode = open.get(fd);
    if (inode !== undefined) steps.push({ kind: "sync", inode, covers });
  };

  return {
    steps,
    directories,
    mark: (mark) => void steps.push({ kind: "mark", mark }),
    calls: {
      ...real,
      open: async (path, flags) => {
        const fd = await real.open(path, flags);
        const known = find(path);
        if (known !== undefined) open.set(fd, known);
        if (flags === "w" || flags === "wx") {
          const file = known ?? make(path, false);
          open.set(fd, file);
          if ((contents.get(file)?.length ?? 0) > 0) setContent(file, Buffer.alloc(0));
        }
        return fd;
      },
      openNow: (path) => {
        const fd = real.openNow(path);
        const known = find(path);
        if (fd !== undefined && known !== undefined) open.set(fd, known);
        return fd;
      },
      close: async (fd) => {
        // Before it is closed: its number may be another file's by the time that this goes on.
        open.delete(fd);
        await real.close(fd);
      },
      closeNow: (fd) => {
        real.closeNow(fd);
        open.delete(fd);
      },
      writev: async (fd, buffers, position) => {
        const sent = Buffer.concat(buffers);
        const count = await real.writev(fd, buffers, position);
        const now = contentOf(fd);
        if (now !== undefined) {
          const bytes = Buffer.alloc(Math.max(now.bytes.length, position + count));
          now.bytes.copy(bytes);
          sent.copy(bytes, position, 0, count);
          setContent(now.file, bytes);
        }
        return count;
      },
      ftruncate: async (fd, size) => {
        await real.ftruncate(fd, size);
        const now = contentOf(fd);
        if (now !== undefined && now.bytes.length !== size) setContent(now.file, now.bytes.subarray(0, size));
      },
      fsync: (fd) => synced(fd, () => real.fsync(fd)),
      fdatasync: (fd) => synced(fd, () => real.fdatasync(fd)),
      rename: async (from, to) => {
        await real.rename(from, to);
        const moved = find(from);
        if (moved === undefined) return;
        const replaced = find(to);
        const text = `rename ${from.slice(top.length)} ${to.slice(top.length)}`;
        const inodes = replaced === undefined ? [moved] : [moved, replaced];
        change(text, inodes, { ...place(from), to: undefined }, { ...place(to), to: moved });
      },
      unlink: async (path) => {
        await real.unlink(path);
        remove(path);
      },
      rmdir: async (path) => {
        await real.rmdir(path);
        remove(path);
      },
      mkdir: async (path) => {
        const made = await real.mkdir(path);
        const missing: string[] = [];
        for (let at = path; find(at) === undefined; at = dirname(at)) missing.unshift(at);
        for (const each of missing) make(each, true);
        return made;
      },
    },
  };
}
