export { immutableSection } from "./immutable/options.js";
export { quotaSection } from "./quota/options.js";
export { rateLimitSection } from "./ratelimit/options.js";
export { retentionSection } from "./retention/options.js";
