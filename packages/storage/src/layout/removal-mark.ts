/** The content of the mark of a removed repository. */
export interface RemovalMark {
  /** When the removal began, by the storage's clock (ms since 1970). */
  readonly since: number;
  /** Whether it has ended. Until then a manifest may be put back that needs what the repository links. */
  readonly ended: boolean;
}

/** Parses the mark at layout/paths.ts `repositoryRemoved`; undefined if it can't be parsed, because it was cut off. */
export function parseRemovalMark(bytes: Uint8Array): RemovalMark | undefined {
  const [state, time, ...rest] = new TextDecoder().decode(bytes).split(" ");
  const since = Date.parse(time ?? "");
  if ((state !== "removing" && state !== "removed") || Number.isNaN(since) || rest.length > 0) return undefined;
  return { since, ended: state === "removed" };
}

export function writeRemovalMark({ since, ended }: RemovalMark): Uint8Array {
  return new TextEncoder().encode(`${ended ? "removed" : "removing"} ${new Date(since).toISOString()}`);
}
