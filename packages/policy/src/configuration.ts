export { immutableSection } from "./immutable/options.js";
