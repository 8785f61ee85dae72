import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";

/**
 * The rule that makes a tag of the repository immutable, by its name; undefined if none does. Undefined instead of a function: no
 * tag of the repository is immutable. Asked only by what changes something.
 */
export type ImmutableTags = (name: RepositoryName) => ((tag: TagName) => string | undefined) | undefined;

/** Every tag may be moved and deleted. */
export const NOTHING_IMMUTABLE: ImmutableTags = () => undefined;
