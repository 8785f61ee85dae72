import { grantedMachine } from "@longshore/base/machine";
import type { DockerAuthOptions } from "./docker-auth.js";
import type { Environment } from "./environment.js";
import { loadConfig, type Loaded } from "./load.js";

/** A configuration file, as read. */
export interface ConfigurationSource {
  readonly path: string;
  readonly text: string;
  /** Undefined: it is a configuration of the registry. */
  readonly dockerAuth?: DockerAuthOptions | undefined;
}

/** Loads `source` and `environment` with this machine's defaults. */
export async function loadSource(
  { path, text, dockerAuth }: ConfigurationSource,
  environment: Environment,
): Promise<Loaded> {
  const input = { text, file: path, environment, machine: grantedMachine() };
  if (dockerAuth === undefined) return loadConfig(input);
  return (await import("./docker-auth.js")).loadDockerAuth(input, dockerAuth);
}
