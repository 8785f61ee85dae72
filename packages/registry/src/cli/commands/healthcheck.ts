import type { Command } from "../command.js";

/** Asks the registry that runs with a configuration whether it is ready: for the health checks of container engines. */
export const healthcheck: Command = {
  name: "healthcheck",
  operands: [],
  summary: "`healthcheck` asks the registry that runs here with a configuration whether it is ready",
  details:
    "Asks on http.debug.addr, or else on http.addr, over the loopback interface where these name none. Exits with 1 if it isn't ready.",
  flags: [],
  run: async (invocation) => (await import("../actions/healthcheck.js")).checkHealth(invocation),
};
