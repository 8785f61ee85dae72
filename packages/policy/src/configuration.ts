export { immutableSection } from "./immutable/options.js";
export { rateLimitSection } from "./ratelimit/options.js";
