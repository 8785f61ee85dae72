import { z } from "zod";
import { immutableSection, quotaSection, rateLimitSection, retentionSection } from "@longshore/policy/configuration";
import { compilePattern } from "../pattern.js";
import { choice, flag, key, list, section, text } from "@longshore/options/declare";

const pattern = key(
  z.string().transform((source, context) => {
    try {
      return compilePattern(source);
    } catch {
      context.addIssue({ code: "custom", message: "not a pattern" });
      return z.NEVER;
    }
  }),
  {
    meaning: "",
    type: "pattern",
    allowed: "a regular expression in RE2's syntax, such as ^https?://([^/]+\\.)*example\\.com/",
  },
);

export const validation = section(
  {
    disabled: flag(
      false,
      "Skips the checks of layer URLs and of whether layers and children of indexes exist; a config must still exist. (Distribution still requires layers.)",
    ),
    enabled: flag(false, "Older switch, which enables validation whatever `disabled` says."),
    manifests: section(
      {
        urls: section(
          {
            allow: list(
              pattern,
              "Patterns of which URLs of foreign layers must match one. Without `allow` and `deny` every URL is accepted (in Distribution, none).",
              {
                type: "list of patterns",
              },
            ),
            deny: list(pattern, "Patterns that URLs of foreign layers must not match.", { type: "list of patterns" }),
          },
          "URLs in layer descriptors.",
        ).prefault({}),
        indexes: section(
          {
            platforms: choice(
              ["all", "none", "list"],
              "all",
              "Which children of an index must exist when it is pushed.",
            ),
            platformlist: list(
              section({ architecture: text("Such as `amd64`."), os: text("Such as `linux`.") }, "A platform."),
              "The platforms of `platforms: list`.",
              { type: "list of maps" },
            ),
          },
          "Image indexes.",
        ).prefault({}),
      },
      "Manifests.",
    ).prefault({}),
  },
  "Checks of pushed manifests.",
).prefault({});

export const policy = section(
  {
    repository: section(
      {
        classes: key(z.array(z.string()).optional(), {
          meaning: "Classes of manifests that may be pushed (`image`, `plugin`); all if absent.",
          type: "list of strings",
          allowed: "a list of strings",
        }),
      },
      "Repositories.",
    ).prefault({}),
    immutable: immutableSection,
    quota: quotaSection,
    ratelimit: rateLimitSection,
    retention: retentionSection,
  },
  "What may be pushed, moved and deleted, and how much clients may do; see [policies](policies.md).",
).prefault({});
