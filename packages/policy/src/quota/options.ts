import { list, optionalInteger, positiveInteger, requiredText, section } from "@longshore/options/declare";

const OURS = { ours: true };
const AMOUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

const rule = section(
  {
    name: requiredText("The rule's name, which refusals quote: `teams`.", OURS),
    prefix: requiredText(
      "What the quota is for: `team` is the repository `team` and those below it together; `users/*` is each namespace below `users` by itself; `*` is each first component by itself.",
      OURS,
    ),
    bytes: optionalInteger(
      AMOUNT,
      "The most bytes, each blob and manifest counted once however many repositories below the prefix have it. Without it any number.",
      OURS,
    ),
    tags: optionalInteger(AMOUNT, "The most tags. Without it any number.", OURS),
    repositories: optionalInteger(AMOUNT, "The most repositories that aren't empty. Without it any number.", OURS),
    warnat: positiveInteger(
      90,
      { max: 100 },
      "The part of a limit, in percent, from which on each push that adds something is logged with a warning; 100: none before the limit.",
      OURS,
    ),
  },
  "A rule.",
  OURS,
);

/** `policy.quota`. */
export const quotaSection = list(
  rule,
  "How much repositories may hold. A push has to fit into every rule that its repository falls under. What already exceeds a rule stays.",
  { type: "list of maps", ...OURS },
);
