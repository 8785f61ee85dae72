import type { Tag } from "../../api/tags.js";

/** The chosen tags, by their names. */
export type Selection = ReadonlyMap<string, Tag>;

/** With `tags` chosen or not. */
export function selecting(selection: Selection, tags: readonly Tag[], isChosen: boolean): Selection {
  const next = new Map(selection);
  for (const each of tags) {
    if (isChosen) next.set(each.tag, each);
    else next.delete(each.tag);
  }
  return next;
}
