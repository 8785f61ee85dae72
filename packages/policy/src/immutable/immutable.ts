import { selectsRepository, selectsTag, type TagSelection } from "../patterns.js";

/** A rule of `policy.immutable`. */
export interface ImmutableRule extends TagSelection {
  readonly name: string;
}

/** The name of the rule that makes a tag of the repository immutable; undefined if none does. */
export type ImmutableTagsOf = (tag: string) => string | undefined;

/**
 * The rules for the tags of `repository`; undefined if no rule is for the repository, so that nothing needs to be asked for its
 * tags.
 */
export function immutableTags(rules: readonly ImmutableRule[], repository: string): ImmutableTagsOf | undefined {
  const own = rules.filter((rule) => selectsRepository(rule, repository));
  if (own.length === 0) return undefined;
  return (tag) => own.find((rule) => selectsTag(rule, tag))?.name;
}
