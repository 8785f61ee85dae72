import type { HistoryOperation } from "./linearizable.js";

/** What a key may do besides what its answers say: the storages differ in how they tell a removal from a push. */
export type Over = "filesystem" | "s3";

/** When a request was sent, and when its answer came: Infinity if none did. */
export interface Times {
  readonly call: number;
  readonly end: number;
}

/** A key without anything in it. */
export const NOTHING = "";

/** A push that isn't answered yet may show, and vanish again, before it is there for good. */
const UNFINISHED = "unfinished ";
/**
 * A delete of a manifest removes the manifest first and its tags then: in between the tag can't be pulled, but can be deleted,
 * and can be pulled again if the manifest is back.
 */
const HIDDEN = "hidden ";

/** What a client sees of a state. */
function shown(state: string): string {
  if (state.startsWith(HIDDEN)) return NOTHING;
  return state.startsWith(UNFINISHED) ? state.slice(UNFINISHED.length) : state;
}

/** A read that saw `value`. */
export function read(times: Times, value: string, title: string): HistoryOperation {
  return { ...times, title, apply: (state) => (shown(state) === value ? state : undefined) };
}

/** An acknowledged push of `value`, or one whose outcome is unknown. */
export function push(times: Times, value: string, title: string): readonly HistoryOperation[] {
  const final: HistoryOperation = { ...times, title, optional: times.end === Infinity, apply: () => value };
  const tries: HistoryOperation = {
    ...times,
    title: `${title}, unfinished`,
    optional: true,
    repeatable: true,
    before: final,
    apply: () => UNFINISHED + value,
  };
  return [final, tries];
}

/** A delete of whatever is there, which answered that something was; with an unknown outcome it may not have happened. */
export function remove(times: Times, title: string): readonly HistoryOperation[] {
  const optional = times.end === Infinity;
  return [{ ...times, title, optional, apply: (state) => (shown(state) === NOTHING ? undefined : NOTHING) }];
}

/** What may vanish within `times`, once: an unused blob or an untagged manifest during a collection. */
export function mayVanish(times: Times, title: string): HistoryOperation {
  return { ...times, title, optional: true, apply: () => NOTHING };
}

/** A delete of the manifest `digest`, as its own key sees it: of two at once both may say that they deleted it. */
export function removeManifest(times: Times, title: string): readonly HistoryOperation[] {
  return [{ ...times, title, optional: times.end === Infinity, apply: () => NOTHING }];
}

export interface TagsRemoval {
  readonly times: Times;
  readonly digest: string;
  readonly over: Over;
  /** Whether the manifest was pushed while it was deleted. */
  readonly isPushedAgain: boolean;
  readonly title: string;
}

/**
 * A delete of the manifest `digest`, as a tag sees it that may point there (docs/protocols/tags.md). The tag may be missing before
 * it is deleted, and come back. If the manifest is pushed again meanwhile, by whatever tag, the tag may stay. Over files the
 * delete may take an unfinished push of another manifest along, which is then made again.
 */
export function removeTagsOf({ times, digest, over, isPushedAgain, title }: TagsRemoval): readonly HistoryOperation[] {
  const common = { ...times, optional: true };
  const removal: HistoryOperation = {
    ...times,
    title,
    optional: isPushedAgain || times.end === Infinity,
    apply: (state) => (shown(state) === digest ? NOTHING : state),
  };
  const hide = (state: string) => (shown(state) === digest ? HIDDEN + digest : undefined);
  const putBack = (state: string) => (state === HIDDEN + digest ? digest : undefined);
  const rest = { ...common, repeatable: true, before: removal };
  const steps = [
    removal,
    { ...rest, title: `${title}, hidden`, apply: hide },
    { ...rest, title: `${title}, put back`, apply: putBack },
  ];
  if (over === "s3") return steps;
  const apply = (state: string) => (state.startsWith(UNFINISHED) ? NOTHING : undefined);
  return [...steps, { ...common, title: `${title}, of an unfinished push`, repeatable: true, apply }];
}
