import type { Command } from "../command.js";

/** Starts the registry, unless its configuration or its storage is unusable. */
export const serve: Command = {
  name: "serve",
  operands: [],
  summary: "`serve` stores and distributes container images and other artifacts",
  details: "The configuration path can also be given in REGISTRY_CONFIGURATION_PATH.",
  flags: [],
  run: async (invocation) => (await import("../actions/serve.js")).serveRegistry(invocation),
};
