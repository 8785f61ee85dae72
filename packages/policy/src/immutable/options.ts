import { list, requiredText, section } from "@longshore/options/declare";
import { patternList } from "../patterns.js";

const OURS = { ours: true };

const rule = section(
  {
    name: requiredText("The rule's name, which refusals quote: `releases`.", OURS),
    repositories: patternList(
      "Repositories that the rule is for: `team/*` has those right below `team`, `team/**` all below it.",
      ["**"],
    ),
    exceptrepositories: patternList("Repositories that the rule isn't for, though `repositories` has them."),
    tags: patternList("Tags that can't be moved or deleted once they exist, such as `v*`.", ["**"]),
    excepttags: patternList("Tags that the rule isn't for, though `tags` has them, such as `*-rc*`."),
  },
  "A rule.",
  OURS,
);

/** `policy.immutable`. */
export const immutableSection = list(
  rule,
  "Tags that can't be moved or deleted once they exist. The first rule with the repository and the tag is the one that refusals name.",
  { type: "list of maps", ...OURS },
);
