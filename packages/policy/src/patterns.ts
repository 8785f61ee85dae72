import { compileWildcard, type Wildcard } from "@longshore/base/wildcard";
import { key, type KeyInfo } from "@longshore/options/declare";
import { z } from "zod";

const pattern = key(
  z.string().transform((source, context): Wildcard => {
    try {
      return compileWildcard(source);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "not a pattern";
      context.addIssue({ code: "custom", message: `can't be a pattern: ${reason}`, params: { explained: true } });
      return z.NEVER;
    }
  }),
  {
    meaning: "",
    type: "pattern",
    allowed:
      "a pattern such as team/* or v*: * and ? stay within a segment, ** crosses /, and \\ takes the next character literally",
  },
);

/** A list of patterns. Without a `fallback` an absent list matches nothing. */
export function patternList(meaning: string, fallback: readonly string[] = [], extra: Partial<KeyInfo> = {}) {
  const shown = fallback.length === 0 ? {} : { fallback: `[${fallback.map((each) => `"${each}"`).join(", ")}]` };
  return key(z.array(pattern).prefault([...fallback]), {
    meaning,
    type: "list of patterns",
    allowed: "a list of patterns",
    ours: true,
    ...shown,
    ...extra,
  });
}

/** The repositories that a rule is for. */
export interface RepositorySelection {
  readonly repositories: readonly Wildcard[];
  readonly exceptrepositories: readonly Wildcard[];
}

/** The tags that a rule is for. */
export interface TagSelection extends RepositorySelection {
  readonly tags: readonly Wildcard[];
  readonly excepttags: readonly Wildcard[];
}

/** Whether a rule is for the repository `name`. */
export function selectsRepository({ repositories, exceptrepositories }: RepositorySelection, name: string): boolean {
  return selects(repositories, exceptrepositories, name);
}

/** Whether a rule is for the tag `name`, in a repository that it is for. */
export function selectsTag({ tags, excepttags }: TagSelection, name: string): boolean {
  return selects(tags, excepttags, name);
}

function selects(wanted: readonly Wildcard[], except: readonly Wildcard[], text: string): boolean {
  return wanted.some((each) => each.matches(text)) && !except.some((each) => each.matches(text));
}
