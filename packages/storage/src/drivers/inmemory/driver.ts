import { KIB } from "@longshore/base/size";
import type { ContentStream, FileInfo, StorageDriver, Touching } from "../../contract/driver.js";
import { boundsOf, streamOf } from "../shared/byte-stream.js";
import { checkOffset, driverError, pathNotFound, tooLarge } from "../shared/errors.js";
import { READ_LIMIT } from "../shared/limits.js";
import { pageOf } from "../shared/page.js";
import { checkPath, parentOf } from "../shared/path.js";
import { createContent, type Content } from "./content.js";
import {
  attach,
  createDirectory,
  createFile,
  detach,
  find,
  makeDirectory,
  sortedNames,
  type DirectoryNode,
  type FileNode,
} from "./tree.js";
import { createInMemoryWriter } from "./writer.js";

const NAME = "inmemory";
/** Bytes between two checks of the signal. It also keeps a reader of a large block from blocking the event loop. */
const CHUNK = 256 * KIB;

/**
 * Keeps everything in the memory of this process: for tests and trials. Nothing is kept at exit or shared with other processes,
 * and only the available memory limits it.
 */
export function createInMemoryDriver(): StorageDriver & Touching {
  const root = createDirectory();

  const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

  const fileAt = (path: string): FileNode => {
    const node = find(root, path);
    if (node?.kind !== "file") throw pathNotFound(NAME, path);
    return node;
  };

  const parentFor = (operation: string, path: string): DirectoryNode => {
    const parent = makeDirectory(root, parentOf(path));
    if (parent === undefined)
      throw driverError(NAME, operation, path, new Error("a file is where a directory should be"));
    if (parent.children.get(baseName(path))?.kind === "directory") {
      throw driverError(NAME, operation, path, new Error("a directory is where a file should be"));
    }
    return parent;
  };

  const infoOf = (path: string): FileInfo => {
    const node = find(root, path);
    if (node === undefined) throw pathNotFound(NAME, path);
    const isDirectory = node.kind === "directory";
    return { path, size: isDirectory ? 0 : node.content.size, modified: node.modified, isDirectory };
  };

  const openContent = (content: Content, start: number, stop: number, signal?: AbortSignal): ContentStream => {
    let offset = start;
    return streamOf(content.size, {
      next: async () => {
        signal?.throwIfAborted();
        if (offset >= stop) return Promise.resolve(undefined);
        const chunk = content.at(offset, Math.min(stop, offset + CHUNK));
        offset += chunk.length;
        return Promise.resolve(chunk);
      },
      release: () => Promise.resolve(),
    });
  };

  const act = async <T>(
    path: string,
    allowed: "root" | "no-root",
    signal: AbortSignal | undefined,
    action: () => T,
  ) => {
    checkPath(NAME, path, allowed);
    signal?.throwIfAborted();
    return Promise.resolve(action());
  };

  return {
    name: NAME,
    read: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        const { content } = fileAt(path);
        const limit = options?.limit ?? READ_LIMIT;
        if (content.size > limit) throw tooLarge(NAME, path, content.size, limit);
        const bytes = new Uint8Array(content.size);
        for (let at = 0; at < bytes.length;) {
          const part = content.at(at, bytes.length);
          bytes.set(part, at);
          at += part.length;
        }
        return bytes;
      }),
    write: (path, bytes, options) =>
      act(path, "no-root", options?.signal, () => {
        const parent = parentFor("write", path);
        const file = createFile();
        file.content.append(bytes.slice());
        attach(parent, baseName(path), file);
      }),
    stat: (path, options) => act(path, "root", options?.signal, () => infoOf(path)),
    open: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        const { content } = fileAt(path);
        checkOffset(NAME, path, options?.start ?? 0, content.size);
        const { start, stop } = boundsOf(options, content.size);
        return openContent(content, start, stop, options?.signal);
      }),
    writer: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        const name = baseName(path);
        const there = find(root, path);
        if (options?.append === true && there === undefined) throw pathNotFound(NAME, path);
        const parent = parentFor("writer", path);
        const file = there?.kind === "file" ? there : createFile();
        if (options?.append !== true) file.content = createContent();
        attach(parent, name, file);
        return createInMemoryWriter(file, {
          remove: () => {
            if (find(root, path) === file) detach(parent, name);
          },
          fail: (operation, cause) => driverError(NAME, operation, path, cause),
        });
      }),
    list: (path, options) =>
      act(path, "root", options?.signal, () => {
        const node = find(root, path);
        if (node?.kind !== "directory") throw pathNotFound(NAME, path);
        return pageOf(sortedNames(node), options);
      }),
    move: async (from, to, options) => {
      checkPath(NAME, to);
      return act(from, "no-root", options?.signal, () => {
        const file = fileAt(from);
        attach(parentFor("move", to), baseName(to), file);
        const source = from === to ? undefined : find(root, parentOf(from));
        if (source?.kind === "directory") detach(source, baseName(from));
      });
    },
    delete: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        const parent = find(root, parentOf(path));
        if (parent?.kind !== "directory" || !parent.children.has(baseName(path))) throw pathNotFound(NAME, path);
        detach(parent, baseName(path));
      }),
    touch: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        fileAt(path).modified = new Date();
      }),
    moveInto: async (from, to, options) => {
      checkPath(NAME, to);
      return act(from, "no-root", options?.signal, () => {
        const file = fileAt(from);
        if (find(root, parentOf(to))?.kind !== "directory") throw pathNotFound(NAME, to);
        attach(parentFor("move", to), baseName(to), file);
        const source = from === to ? undefined : find(root, parentOf(from));
        if (source?.kind === "directory") detach(source, baseName(from));
      });
    },
    prune: (path, options) =>
      act(path, "no-root", options?.signal, () => {
        const node = find(root, path);
        const parent = find(root, parentOf(path));
        if (node?.kind !== "directory" || node.children.size > 0 || parent?.kind !== "directory") return false;
        detach(parent, baseName(path));
        return true;
      }),
    writeNew: (path, bytes, options) =>
      act(path, "no-root", options?.signal, () => {
        if (find(root, path) !== undefined) return false;
        const file = createFile();
        file.content.append(bytes.slice());
        attach(parentFor("write", path), baseName(path), file);
        return true;
      }),
    resolveLink: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}
