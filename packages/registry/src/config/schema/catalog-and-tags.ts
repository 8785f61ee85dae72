import { flag, positiveInteger, section } from "@longshore/options/declare";

export const catalog = section(
  {
    maxentries: positiveInteger(
      1000,
      {},
      "The largest `n` of `_catalog`; larger values are capped. 0 or less means 1000.",
    ),
    filter: flag(true, "With `access` rules, lists only repositories that the user may pull.", { ours: true }),
  },
  "The list of repositories.",
).prefault({});

export const tags = section(
  {
    maxtags: positiveInteger(
      1000,
      { min: 0 },
      "The largest page of `tags/list`; a larger `n` is capped. 0 means 1000.",
    ),
  },
  "The list of tags.",
).prefault({});
