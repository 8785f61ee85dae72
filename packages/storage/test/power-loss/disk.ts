import { mkdir, writeFile } from "node:fs/promises";
import { TOP, type Recorder, type Step } from "./recorder.js";

type Names = Extract<Step, { readonly kind: "names" }>;

/** What a power loss does to unsynced changes. */
export interface Loss {
  /** Whether an unsynced change of names is on the disk. If so, the changes it depends on are, too. */
  readonly keeps: (names: Names) => boolean;
  /** Which of these contents a file with unsynced bytes has. */
  readonly chooses: (contents: readonly Buffer[]) => Buffer;
}

/** Only what is synced survives. */
export const ALL_LOST: Loss = { keeps: () => false, chooses: ([first]) => first ?? Buffer.alloc(0) };

/** Of unsynced changes, removals survive: a name that was removed and recreated is gone unless it was synced. */
export const REMOVALS_KEPT: Loss = { ...ALL_LOST, keeps: ({ changes }) => changes.every(({ to }) => to === undefined) };

/** A possible tree after a power loss: files by path, and directories, which have no content. */
export type Tree = ReadonlyMap<string, Buffer | undefined>;

/**
 * What may be on the disk if the power fails after the first `end` steps. The rules are those of POSIX, without a journal:
 * only fsync and fdatasync make anything durable, a directory's sync covers the names in it and not its own, and unsynced
 * changes reach the disk in any order; but a rename is atomic, changes to the same inode or name keep their order, and a
 * directory isn't removed before its content.
 */
export function treeAfter({ steps, directories }: Recorder, end: number, loss: Loss): Tree {
  const done = steps.slice(0, end);
  const needs = dependenciesOf(done);
  const kept = new Set<number>();
  const keep = (index: number): void => {
    if (kept.has(index)) return;
    kept.add(index);
    for (const each of needs.get(index) ?? []) keep(each);
  };
  const contents = new Map<number, { synced: Buffer; latest: Buffer }>();
  for (const [index, step] of done.entries()) {
    if (step.kind === "content") {
      const { synced } = contents.get(step.file) ?? { synced: Buffer.alloc(0) };
      contents.set(step.file, { synced, latest: step.bytes });
    }
    if (step.kind !== "sync") continue;
    if (!directories.has(step.inode)) {
      const known = done.slice(0, step.covers).findLast((each) => each.kind === "content" && each.file === step.inode);
      const latest = contents.get(step.inode)?.latest ?? Buffer.alloc(0);
      if (known?.kind === "content") contents.set(step.inode, { synced: known.bytes, latest });
      continue;
    }
    for (let at = 0; at < Math.min(step.covers, index); at += 1) {
      const each = done[at];
      if (each?.kind === "names" && each.changes.some(({ directory }) => directory === step.inode)) keep(at);
    }
  }
  for (const [index, step] of done.entries()) {
    if (step.kind !== "names" || kept.has(index)) continue;
    if ((needs.get(index) ?? []).every((each) => kept.has(each)) && loss.keeps(step)) kept.add(index);
  }
  return treeOf(done, kept, directories, contents, loss);
}

/** For each change of names, the latest earlier ones of the same name or inode. */
function dependenciesOf(steps: readonly Step[]): ReadonlyMap<number, readonly number[]> {
  const needs = new Map<number, readonly number[]>();
  const latest = new Map<string, number>();
  const inside = new Map<number, number[]>();
  for (const [index, step] of steps.entries()) {
    if (step.kind !== "names") continue;
    const keys = [...step.inodes.map(String), ...step.changes.map(({ directory, name }) => `${directory}/${name}`)];
    const before = keys.map((key) => latest.get(key)).filter((each) => each !== undefined);
    const isRemoval = step.changes.every(({ to }) => to === undefined);
    needs.set(index, [...before, ...(isRemoval ? step.inodes.flatMap((inode) => inside.get(inode) ?? []) : [])]);
    for (const key of keys) latest.set(key, index);
    for (const { directory } of step.changes) inside.set(directory, [...(inside.get(directory) ?? []), index]);
  }
  return needs;
}

function treeOf(
  steps: readonly Step[],
  kept: ReadonlySet<number>,
  directories: ReadonlySet<number>,
  contents: ReadonlyMap<number, { readonly synced: Buffer; readonly latest: Buffer }>,
  loss: Loss,
): Tree {
  const entries = new Map<number, Map<string, number>>();
  for (const [index, step] of steps.entries()) {
    if (step.kind !== "names" || !kept.has(index)) continue;
    for (const { directory, name, to } of step.changes) {
      const names = entries.get(directory) ?? new Map<string, number>();
      entries.set(directory, names);
      if (to === undefined) names.delete(name);
      else names.set(name, to);
    }
  }
  const tree = new Map<string, Buffer | undefined>();
  const add = (directory: number, path: string): void => {
    for (const [name, inode] of entries.get(directory) ?? []) {
      const at = `${path}/${name}`;
      tree.set(at, directories.has(inode) ? undefined : contentAfter(contents.get(inode), loss));
      if (directories.has(inode)) add(inode, at);
    }
  };
  add(TOP, "");
  return tree;
}

function contentAfter(content: { readonly synced: Buffer; readonly latest: Buffer } | undefined, loss: Loss): Buffer {
  if (content === undefined) return Buffer.alloc(0);
  const { synced, latest } = content;
  if (synced.equals(latest)) return latest;
  // Lost, kept, or with none or only some of its blocks written.
  return loss.chooses([synced, latest, Buffer.alloc(latest.length), latest.subarray(0, latest.length >> 1)]);
}

/** Writes the tree below the directory `top`. */
export async function layOut(tree: Tree, top: string): Promise<void> {
  for (const [path, bytes] of tree) {
    if (bytes === undefined) await mkdir(top + path);
    else await writeFile(top + path, bytes);
  }
}
