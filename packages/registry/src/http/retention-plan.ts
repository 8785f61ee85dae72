import type { TagFate } from "@longshore/policy";
import type { RepositoryName } from "@longshore/storage";

/**
 * What `policy.retention` would do with the tags of a repository now, in the order of their names; undefined if it would leave the
 * repository alone because a manifest can't be read.
 */
export type RetentionPlan = (name: RepositoryName, signal: AbortSignal) => Promise<readonly TagFate[] | undefined>;
