import { flag, key, list, section, textList, textOr } from "@longshore/options/declare";
import type { Remark } from "@longshore/options/kind";
import { findNameProblem } from "@longshore/auth";
import { z } from "zod";
import { declareRules } from "../declare-rules.js";
import { compileRoles, ROLES } from "./roles.js";

const ROLE_NAMES = ["reader", "writer", "maintainer", "admin"] as const;

const grant = section(
  {
    role: key(z.enum(ROLE_NAMES), {
      meaning: ROLE_NAMES.map((name) => `\`${name}\`: ${ROLES[name].join(", ")}`).join("; ") + ".",
      type: ROLE_NAMES.map((name) => `\`${name}\``).join(", "),
      allowed: `one of ${ROLE_NAMES.join(", ")}`,
    }),
    repositories: textList("Which repositories: names, globs or `/regular expressions/`, as in rules.", {
      fallback: "all",
    }),
    accounts: textList("Who: accounts, by the same patterns."),
    groups: textList("Who: members of these groups, by the same patterns."),
    anonymous: flag(false, "Who: clients that don't log in, too."),
  },
  "A role for some people in some repositories.",
  { unknownKeys: "error" },
);

/** Roles for patterns of repositories: a team takes one line. */
export const roles = declareRules({
  name: "roles",
  meaning:
    "Roles for patterns of repositories, so that a team takes one line. If several apply, their grants add up; if none " +
    "applies, the next rules are asked.",
  options: {
    grouplabel: textOr("groups", "The label of an identity that holds its groups."),
    grants: list(grant, "Who has which role where.", { type: "list of maps", allowed: "a list of roles" }),
  },
  choose(options, context) {
    options.grants.forEach(({ accounts, groups, anonymous }, index) => {
      if (accounts.length + groups.length > 0 || anonymous) return;
      const message = "applies to no one; name accounts or groups, or set anonymous: true";
      context.addIssue({ code: "custom", path: ["grants", index], message, params: { explained: true } });
    });
    const used = options.grants.findIndex(({ groups }) => groups.length > 0);
    return {
      groups: used < 0 ? undefined : { label: options.grouplabel, path: ["grants", used, "groups"] },
      remarks: options.grants.flatMap(({ repositories }, index) =>
        repositories.flatMap((pattern, place): Remark[] => {
          const message = findNameProblem(pattern);
          const path = ["grants", index, "repositories", place];
          return message === undefined ? [] : [{ severity: "warning", path, message }];
        }),
      ),
      open: () => Promise.resolve(compileRoles(options)),
    };
  },
});
