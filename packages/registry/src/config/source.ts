import { availableParallelism } from "node:os";
import { type Environment } from "./environment.js";
import { loadConfig, type Loaded } from "./load.js";

/** A configuration file as it was read. */
export interface ConfigurationSource {
  readonly path: string;
  readonly text: string;
}

/** What `source` and `environment` mean on this machine. */
export function loadSource({ path, text }: ConfigurationSource, environment: Environment): Loaded {
  return loadConfig({ text, file: path, environment, machine: { cores: availableParallelism() } });
}
