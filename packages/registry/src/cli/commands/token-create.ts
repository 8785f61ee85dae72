import type { Command } from "../command.js";

/** Creates a personal access token, and prints it this once: alone on standard output, and what it is on standard error. */
export const tokenCreate: Command = {
  name: "token create",
  operands: [],
  summary: "`token create` creates a personal access token for a person or a robot",
  details:
    "Prints the token alone on standard output. It is shown only once, since only its digest is stored. Safe to run while registries are serving.",
  flags: [
    { name: "account", value: "name", meaning: "the person the token is for" },
    { name: "robot", value: "name", meaning: "the robot the token is for instead; its account is robot/<name>" },
    { name: "name", value: "text", meaning: "the token's name in lists" },
    {
      name: "scope",
      value: "scopes",
      meaning: 'limits what the token permits, such as "repository:team/*:pull,push"; several between spaces',
    },
    { name: "expires", value: "time", meaning: "such as 90d, 720h, 2027-01-31 or never (default: 90d)" },
    { name: "label", value: "labels", meaning: "labels of the account, such as team=web; several between spaces" },
    {
      name: "source",
      value: "name",
      meaning: "the source that must still have the person, such as ldap",
    },
    { name: "json", meaning: "print the token and its details as JSON" },
  ],
  run: async (invocation) => (await import("../actions/token-create.js")).createToken(invocation),
};
