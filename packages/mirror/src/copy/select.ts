import {
  isDigest,
  isStorageError,
  isTagName,
  parseRepositoryName,
  type Digest,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import { compileWildcard, type Wildcard } from "@longshore/base/wildcard";
import { isAttachedTag } from "./attached-tags.js";
import { CopyError } from "./contract.js";

/** What is copied, as names and patterns say it: `*` and `?` stop at a slash, `**` doesn't. */
export interface Selection {
  /** Repositories that are named exactly. */
  readonly names: readonly RepositoryName[];
  /** Whether the source's list of repositories is needed for the rest. */
  readonly needsCatalog: boolean;
  isWantedRepository(name: RepositoryName): boolean;
  /** Whether the source's list of tags is needed. */
  readonly needsTags: boolean;
  /** The tags and digests that are meant, of `tags` and beside them: some registries list fewer tags than they have. */
  references(tags: readonly TagName[]): readonly (TagName | Digest)[];
}

/** Throws {@link CopyError} for what is neither a name nor a pattern. */
export function createSelection(repositories: readonly string[], tags: readonly string[]): Selection {
  const names = repositories.map(compile);
  const digests = tags.filter((text) => isDigest(text));
  const wildcards = tags.filter((text) => !isDigest(text)).map(compile);
  const literals = wildcards.filter(({ isLiteral }) => isLiteral).map(({ prefix }) => prefix);
  const unknown = literals.find((text) => !isTagName(text));
  if (unknown !== undefined) throw new CopyError(`${JSON.stringify(unknown)} is no tag`);
  return {
    names: names.filter(({ isLiteral }) => isLiteral).map(({ prefix }) => readName(prefix)),
    needsCatalog: names.some(({ isLiteral }) => !isLiteral),
    isWantedRepository: (name) => names.some((pattern) => pattern.matches(name)),
    needsTags: wildcards.some(({ isLiteral }) => !isLiteral),
    references: (listed) => {
      // Attached tags come along with what they are attached to, unless one is named.
      const wanted = listed.filter((tag) => !isAttachedTag(tag) && wildcards.some((pattern) => pattern.matches(tag)));
      return [...new Set<TagName | Digest>([...wanted, ...literals.filter(isTagName), ...digests])];
    },
  };
}

function compile(pattern: string): Wildcard {
  try {
    return compileWildcard(pattern);
  } catch (error) {
    throw new CopyError(`${JSON.stringify(pattern)} is no pattern: ${error instanceof Error ? error.message : ""}`);
  }
}

function readName(text: string): RepositoryName {
  try {
    return parseRepositoryName(text);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    throw new CopyError(error.message, { cause: error });
  }
}
