export { immutableTags, type ImmutableTagsOf } from "./immutable/immutable.js";
export { judgeQuota, quotaScopes, type Amounts, type Measure, type QuotaRule, type QuotaScope } from "./quota/quota.js";
export { createLocalCounter, type LimitCounter, type Take, type Taken } from "./ratelimit/counter.js";
export {
  createClientLimits,
  type ClientAction,
  type ClientLimits,
  type LimitedRequest,
  type LimitVerdict,
  type MetLimit,
} from "./ratelimit/limits.js";
export { decideRetention, untaggedRule, type TagFate } from "./retention/decide.js";
export type { RepositoryFacts } from "./retention/facts.js";
export { selectsRepository } from "./patterns.js";
export { subjectOfTag } from "./retention/referrer-tag.js";
