import { z } from "zod";
import { compilePattern } from "../pattern.js";
import { choice, flag, integer, key, list, section, text } from "./kit.js";

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
      "Checks neither the hosts of layer URLs nor that children of indexes and layers are there; a config must be. (The original still asks for layers.)",
    ),
    enabled: flag(false, "Older switch: validation is on with it, whatever `disabled` says."),
    manifests: section(
      {
        urls: section(
          {
            allow: list(
              pattern,
              "URLs of foreign layers must match one of these. Without `allow` and `deny` every one is taken, where the original takes none.",
              {
                type: "list of patterns",
              },
            ),
            deny: list(pattern, "URLs of foreign layers must match none of these.", { type: "list of patterns" }),
          },
          "URLs in layer descriptors.",
        ).prefault({}),
        indexes: section(
          {
            platforms: choice(
              ["all", "none", "list"],
              "all",
              "Which children of an index must be there when it is pushed.",
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
  "What a pushed manifest must be.",
).prefault({});

export const policy = section(
  {
    repository: section(
      {
        classes: key(z.array(z.string()).optional(), {
          meaning: "Classes of manifests that may be pushed (`image`, `plugin`); every one where absent.",
          type: "list of texts",
          allowed: "a list of texts",
        }),
      },
      "Repositories.",
    ).prefault({}),
  },
  "What may be pushed.",
).prefault({});

export const catalog = section(
  {
    maxentries: integer(1000, {}, "Largest `n` of `_catalog`; more is answered with 400; 0 or less: 1000."),
    filter: flag(true, "With `access` rules: lists only what the reader may pull.", { ours: true }),
  },
  "The list of repositories.",
).prefault({});

export const tags = section(
  { maxtags: integer(1000, { min: 0 }, "Largest page of `tags/list`; a larger `n` gets this many; 0: 1000.") },
  "The list of tags.",
).prefault({});
