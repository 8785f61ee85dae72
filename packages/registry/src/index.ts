export { createApp, type App, type AppDependencies, type RequestListener } from "./http/app.js";
export type { ApiOptions } from "./http/options.js";
export { silentLog, type Log, type LogFields } from "./observability/log.js";
