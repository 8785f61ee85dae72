export { immutableTags, type ImmutableTagsOf } from "./immutable/immutable.js";
