export { composeRegistry, type ComposedRegistry, type Ports } from "./compose.js";
export type { Config } from "./config/config.js";
export { loadConfig, type Loaded, type LoadInput } from "./config/load.js";
export { createApp, type App, type AppDependencies, type RequestListener } from "./http/app.js";
export type { ApiOptions } from "./http/options.js";
export { silentLog, type Log, type LogFields } from "./observability/log.js";
export { runRegistry, type RunOptions } from "./server/run.js";
export { METHODS, ROUTES } from "./http/routes.js";
