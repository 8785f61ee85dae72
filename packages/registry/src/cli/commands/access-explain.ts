import type { Command } from "../command.js";

/** Says which rule decides whether an account may do something, and why. */
export const accessExplain: Command = {
  name: "access explain",
  operands: [],
  summary: "`access explain` shows which rule decides on an account's access",
  details:
    "Looks the account up in the sources of the token server and asks its rules, as a request for a token does. Exits with 0 if everything is granted, with 2 if not.",
  flags: [
    { name: "account", value: "name", meaning: "the account (default: a client that doesn't log in)" },
    { name: "repository", value: "name", meaning: "the repository (default: the catalog)" },
    { name: "action", value: "list", meaning: "pull, push or delete, separated by commas (default: pull)" },
    { name: "label", value: "key=values", meaning: "labels in place of the account's own, such as groups=backend,ops" },
    { name: "ip", value: "address", meaning: "from where" },
    { name: "service", value: "name", meaning: "for which service" },
  ],
  run: async (invocation) => (await import("../actions/access-explain.js")).explainAccessTo(invocation),
};
