export { immutableTags, type ImmutableTagsOf } from "./immutable/immutable.js";
export { createLocalCounter, type LimitCounter, type Take, type Taken } from "./ratelimit/counter.js";
export {
  createClientLimits,
  type ClientAction,
  type ClientLimits,
  type LimitedRequest,
  type LimitVerdict,
  type MetLimit,
} from "./ratelimit/limits.js";
