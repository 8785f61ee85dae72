import { DURATION_PATTERN, parseDuration } from "@longshore/base/duration";
import {
  choice,
  duration,
  flag,
  key,
  list,
  optionalInteger,
  requiredText,
  section,
  timeOfDay,
} from "@longshore/options/declare";
import { z } from "zod";
import { patternList } from "../patterns.js";

const OURS = { ours: true };

/** A duration without a default, in milliseconds. It may be longer than a timer can wait. */
const age = (meaning: string) =>
  key(
    z
      .string()
      .regex(DURATION_PATTERN)
      .transform((text) => Math.ceil(parseDuration(text) ?? 0))
      .optional(),
    { meaning, type: "duration", allowed: "a duration such as 720h, not negative", ...OURS },
  );

const repositories = {
  repositories: patternList("Repositories that the rule is for.", ["**"]),
  exceptrepositories: patternList("Repositories that the rule isn't for, though `repositories` has them."),
};

const rule = section(
  {
    name: requiredText("The rule's name, which the dry run, the log and the audit log give as the reason.", OURS),
    ...repositories,
    tags: patternList("Tags that the rule is for.", ["**"]),
    excepttags: patternList("Tags that the rule isn't for, though `tags` has them."),
    always: flag(false, "Keeps all of them.", OURS),
    newest: optionalInteger({ min: 1, max: 1_000_000 }, "Keeps so many of them in each repository: the newest.", OURS),
    order: choice(
      ["pushed", "version"],
      "pushed",
      "Which are the newest: by the time when they were pushed, or as versions: `1.10` after `1.9`, `1.10` after `1.10-rc1`.",
      OURS,
    ),
    youngerthan: age("Keeps those that were pushed within this time."),
    pulledwithin: age(
      "Keeps those that were pulled or pushed within this time. As long as pulls haven't been recorded for that long, it keeps all.",
    ),
  },
  "A rule.",
  OURS,
);

const untagged = section(
  {
    name: requiredText("The rule's name.", OURS),
    ...repositories,
    age: duration(
      "168h",
      "How long after its push an untagged manifest is kept. Children of indexes and referrers of manifests that are kept are kept too.",
      { max: Infinity, textOnly: true },
      OURS,
    ),
  },
  "A rule.",
  OURS,
);

/** `policy.retention`. */
export const retentionSection = section(
  {
    enabled: flag(false, "Applies the rules on a schedule, by one process of each registry that enables it.", OURS),
    interval: duration("24h", "Time between two runs.", { min: 1000, max: Infinity, textOnly: true }, OURS),
    timeofday: timeOfDay(
      "When the first run starts, in UTC, such as `02:30`; by default after a random time of up to an hour. Best before that of the collection, which frees the space.",
      OURS,
    ),
    dryrun: flag(false, "Only logs what would be removed.", OURS),
    rules: list(
      rule,
      "Which tags are kept. A tag goes if there are rules for it and none of them keeps it; without a rule for it, it stays.",
      { type: "list of maps", ...OURS },
    ),
    untagged: list(
      untagged,
      "How long untagged manifests are kept; the first rule that is for the repository decides. They are removed by garbage collections while `enabled` is set and `dryrun` isn't; in other repositories as `storage.maintenance.gc.deleteuntagged` says.",
      { type: "list of maps", ...OURS },
    ),
  },
  "What is removed in time; see [policies](policies.md#retention).",
  OURS,
).prefault({});
