import { createContent, type Content } from "./content.js";

/** A file. Its content is replaced as a whole or appended to, so that readers keep what they opened. */
export interface FileNode {
  readonly kind: "file";
  content: Content;
  modified: Date;
}

/** A directory. `sorted` caches its names in order until one is added or removed. */
export interface DirectoryNode {
  readonly kind: "directory";
  readonly children: Map<string, TreeNode>;
  sorted: readonly string[] | undefined;
  modified: Date;
}

export type TreeNode = FileNode | DirectoryNode;

/** An empty directory. */
export function createDirectory(): DirectoryNode {
  return { kind: "directory", children: new Map(), sorted: undefined, modified: new Date() };
}

/** An empty file. */
export function createFile(): FileNode {
  return { kind: "file", content: createContent(), modified: new Date() };
}

function namesOf(path: string): string[] {
  return path === "/" ? [] : path.slice(1).split("/");
}

/** The node at `path`; undefined if there is none, also below a file. */
export function find(root: DirectoryNode, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const name of namesOf(path)) {
    if (node?.kind !== "directory") return undefined;
    node = node.children.get(name);
  }
  return node;
}

/** The directory at `path`, created with its parents if necessary; undefined if a file is in the way. */
export function makeDirectory(root: DirectoryNode, path: string): DirectoryNode | undefined {
  let node: DirectoryNode = root;
  for (const name of namesOf(path)) {
    let child: TreeNode | undefined = node.children.get(name);
    if (child === undefined) {
      child = createDirectory();
      attach(node, name, child);
    }
    if (child.kind === "file") return undefined;
    node = child;
  }
  return node;
}

/** Adds `node` to `directory` as `name`, replacing any other. */
export function attach(directory: DirectoryNode, name: string, node: TreeNode): void {
  if (!directory.children.has(name)) directory.sorted = undefined;
  directory.children.set(name, node);
  directory.modified = new Date();
}

/** Removes `name` from `directory`. */
export function detach(directory: DirectoryNode, name: string): void {
  directory.children.delete(name);
  directory.sorted = undefined;
  directory.modified = new Date();
}

/** The directory's names, ascending. */
export function sortedNames(directory: DirectoryNode): readonly string[] {
  return (directory.sorted ??= [...directory.children.keys()].sort());
}
