import type { Access } from "./access-controller.js";

/** One entry of a scope: a resource with its actions. */
export interface ScopeEntry {
  readonly type: string;
  readonly class?: string | undefined;
  readonly name: string;
  readonly actions: readonly string[];
}

/** `repository` or `repository(plugin)`. */
const TYPE = /^([a-z0-9]+)(?:\(([a-z0-9]+)\))?$/;

/** `type[(class)]:name:action[,action]*`. */
export function formatScopeEntry(entry: ScopeEntry): string {
  const type = entry.class === undefined || entry.class === "" ? entry.type : `${entry.type}(${entry.class})`;
  return `${type}:${entry.name}:${entry.actions.join(",")}`;
}

/** One entry for each access, in order and including repetitions (wire contract §4.2). */
export function formatAccesses(accesses: readonly Access[]): string {
  return accesses.map(({ action, ...resource }) => formatScopeEntry({ ...resource, actions: [action] })).join(" ");
}

/**
 * Parses an entry; undefined if it is malformed. A name may contain a colon (before a host's port), so the type ends at the
 * first colon and the actions start after the last one (wire contract §4.5).
 */
export function parseScopeEntry(text: string): ScopeEntry | undefined {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  if (first < 0 || first === last) return undefined;
  const [, type, resourceClass] = TYPE.exec(text.slice(0, first)) ?? [];
  const name = text.slice(first + 1, last);
  if (type === undefined || name === "") return undefined;
  const actions = text
    .slice(last + 1)
    .split(",")
    .filter((action) => action !== "");
  return { type, ...(resourceClass === undefined ? {} : { class: resourceClass }), name, actions };
}

/** Parses a space-separated scope. Malformed entries are left out, as token servers do. */
export function parseScope(text: string): readonly ScopeEntry[] {
  return text
    .split(" ")
    .map(parseScopeEntry)
    .filter((entry) => entry !== undefined);
}
