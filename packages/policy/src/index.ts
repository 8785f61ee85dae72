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
