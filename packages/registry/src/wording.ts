import { GIB, KIB, MIB, TIB } from "@longshore/base/size";

const UNITS = [
  [TIB, "TiB"],
  [GIB, "GiB"],
  [MIB, "MiB"],
  [KIB, "KiB"],
] as const;

/** `1 blob`, `2 blobs`. `many` is for words that don't just take an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `1 repository`, `2 repositories`. */
export function countedRepositories(count: number): string {
  return counted(count, "repository", "repositories");
}

/** `1.5 GiB`; less than a KiB in bytes. */
export function formatBytes(bytes: number): string {
  const unit = UNITS.find(([size]) => bytes >= size);
  if (unit === undefined) return counted(bytes, "byte");
  const [size, name] = unit;
  return `${Number((bytes / size).toFixed(2))} ${name}`;
}

/** Cells of a bar. */
const CELLS = 24;

/** `[####....]`, as far as `done` of `total` is. */
export function formatBar(done: number, total: number): string {
  const filled = total === 0 ? CELLS : Math.min(CELLS, Math.floor((done / total) * CELLS));
  return `[${"#".repeat(filled)}${".".repeat(CELLS - filled)}]`;
}
