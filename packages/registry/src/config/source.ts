import { grantedMachine } from "@longshore/base/machine";
import { type DockerAuthOptions, loadDockerAuth } from "./docker-auth.js";
import { type Environment } from "./environment.js";
import { loadConfig, type Loaded } from "./load.js";

/** A configuration file, as read. */
export interface ConfigurationSource {
  readonly path: string;
  readonly text: string;
  /** Undefined: it is a configuration of the registry. */
  readonly dockerAuth?: DockerAuthOptions | undefined;
}

/** Loads `source` and `environment` with this machine's defaults. */
export function loadSource({ path, text, dockerAuth }: ConfigurationSource, environment: Environment): Loaded {
  const input = { text, file: path, environment, machine: grantedMachine() };
  return dockerAuth === undefined ? loadConfig(input) : loadDockerAuth(input, dockerAuth);
}
