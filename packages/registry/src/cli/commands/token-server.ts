import type { Command } from "../command.js";

/** Runs the token server alone, by a configuration of docker_auth. */
export const tokenServer: Command = {
  name: "token-server",
  operands: [],
  summary: "`token-server` issues tokens from a configuration of docker_auth",
  details:
    "Reads auth_config.yml as docker_auth does, and again when it changes. What can't be taken over is refused by name, and so is an unknown key, which docker_auth ignores.",
  flags: [
    {
      name: "state",
      value: "folder",
      meaning: "where refresh tokens' key, revocations and the tokens of people are kept (default: in memory)",
    },
  ],
  run: async (invocation) => (await import("../actions/token-server.js")).serveTokens(invocation),
};
