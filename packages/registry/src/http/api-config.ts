import type { Config, HttpConfig } from "../config/config.js";

/** The sections of the configuration that the API goes by, as they were parsed: durations in ms, sizes in bytes. */
export interface ApiConfig {
  readonly http: Pick<HttpConfig, "prefix" | "host" | "relativeurls" | "headers" | "cors" | "limits">;
  readonly storage: Pick<Config["storage"], "delete" | "maintenance" | "redirect">;
  readonly catalog: Config["catalog"];
  readonly activity: Pick<Config["activity"], "streams">;
  readonly tags: Config["tags"];
}
