import { nodeCalls, type FileCalls } from "../../src/drivers/filesystem/calls.js";

/** A system error. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The system calls, recorded in order, and replaced where a test injects a fault. */
export interface ObservedCalls {
  readonly calls: FileCalls;
  /** `fdatasync /path`, `rename /from /to`, … in the order of completion, with paths relative to the root. */
  readonly log: string[];
  /** The open descriptors. */
  readonly open: ReadonlySet<number>;
}

/** Records the system calls below `root`, with those in `faults` replaced. */
export function observe(root: string, faults: (real: FileCalls) => Partial<FileCalls> = () => ({})): ObservedCalls {
  const real = nodeCalls();
  const used: FileCalls = { ...real, ...faults(real) };
  const log: string[] = [];
  const paths = new Map<number, string>();
  const below = (path: string): string =>
    path.slice(root.length).replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID");
  const note = async <T>(line: string, work: Promise<T>): Promise<T> => {
    const value = await work;
    log.push(line);
    return value;
  };
  const pathOf = (fd: number): string => paths.get(fd) ?? "?";
  return {
    log,
    get open() {
      return new Set(paths.keys());
    },
    calls: {
      ...used,
      open: async (path, flags) => {
        const fd = await used.open(path, flags);
        paths.set(fd, below(path));
        return fd;
      },
      openNow: (path) => {
        const fd = used.openNow(path);
        if (fd !== undefined) paths.set(fd, below(path));
        return fd;
      },
      close: async (fd) => {
        // Before it is closed: its number may be another file's by the time that this goes on.
        paths.delete(fd);
        await used.close(fd);
      },
      closeNow: (fd) => {
        used.closeNow(fd);
        paths.delete(fd);
      },
      writev: (fd, buffers, position) => note(`write ${pathOf(fd)}`, used.writev(fd, buffers, position)),
      fsync: (fd) => note(`fsync ${pathOf(fd)}`, used.fsync(fd)),
      fdatasync: (fd) => note(`fdatasync ${pathOf(fd)}`, used.fdatasync(fd)),
      rename: (from, to) => note(`rename ${below(from)} ${below(to)}`, used.rename(from, to)),
      unlink: (path) => note(`unlink ${below(path)}`, used.unlink(path)),
    },
  };
}
