import { GIB, KIB, MIB, TIB } from "@longshore/base/size";

const UNITS = [
  [TIB, "TiB"],
  [GIB, "GiB"],
  [MIB, "MiB"],
  [KIB, "KiB"],
] as const;

/** `1.5 GiB`; less than a KiB in bytes. */
export function formatBytes(bytes: number): string {
  const unit = UNITS.find(([size]) => bytes >= size);
  if (unit === undefined) return `${bytes} bytes`;
  const [size, name] = unit;
  return `${Number((bytes / size).toFixed(2))} ${name}`;
}
